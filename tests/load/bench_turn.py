"""How long a word of the model takes through the built function: from the model to the Runtime API.

The function has a process of its own, as on Lambda; the model, the Runtime API and the emulators are beside it.
"""
# ruff: noqa: T201 - its output is its purpose

import json
import logging
import statistics
import tempfile
import time
from pathlib import Path

from chat_testing import dynamodb_local, events, tokens
from chat_testing.app import settings_for
from chat_testing.artifacts import built_sandbox, variables_of
from chat_testing.chat import message, request
from chat_testing.function_process import FunctionProcess
from chat_testing.recordings import Invocation
from chat_testing.runtime_api import RuntimeApi
from chat_testing.secrets import serving_secret
from chat_testing.table_definition import create_table
from chatkit_aws.clients import dynamodb_client
from local_cloud import model_server
from local_cloud.model_server import Control, OfflineModel

TURNS = 5
MESSAGE = " ".join(f"word{number}" for number in range(60))
WORDS = len(f"You said: {MESSAGE} (offline model)".split())
"""How many the offline model says to it."""
GOAL_MS = 30
"""The median that is wanted, in milliseconds."""


def delays_of(invocation: Invocation, model: OfflineModel) -> list[float]:
    """Seconds from letting each word go to its chunk's arrival, once the answer has begun."""
    delays: list[float] = []
    number = 1
    while b'content_part.added"' not in invocation.chunk(number).data:
        number += 1
    for _ in range(WORDS):
        said = time.perf_counter()
        model.control(Control(release=1))
        while b'text_delta"' not in (chunk := invocation.chunk(number)).data:
            number += 1
        number += 1
        delays.append(chunk.at - said)
    invocation.response()
    return delays


def main() -> None:
    """Measure and print one table."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    model = OfflineModel(key="sk-bench", held=True)
    with (
        dynamodb_local.running() as dynamodb,
        tokens.serving() as issuer,
        model_server.running(model) as port,
        serving_secret("model-key", "sk-bench") as secrets,
        tempfile.TemporaryDirectory() as root,
    ):
        create_table(dynamodb_client(dynamodb), "bench")
        address = f"http://127.0.0.1:{port}/v1"
        settings = settings_for("bench", issuer.jwks_url).model_copy(update={"openai_base_url": address})
        variables = {
            **variables_of(settings),
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets,
        }
        event = events.load("url_create_thread", issuer.mint())
        event["body"] = json.dumps(request("threads.create", input=message(MESSAGE)))
        with RuntimeApi() as api, FunctionProcess(built_sandbox(Path(root) / "lambda", variables), api.address):
            turns = [delays_of(api.invoke(event), model) for _ in range(TURNS)]
    delays = sorted(delay * 1000 for turn in turns for delay in turn)
    print(f"\nfrom the model to the Runtime API, {TURNS} turns of {WORDS} words, in ms")
    print(f"{'median':>10}{'p95':>10}{'most':>10}{'goal':>10}")
    median, late = statistics.median(delays), delays[int(len(delays) * 0.95)]
    print(f"{median:>10.2f}{late:>10.2f}{delays[-1]:>10.2f}{f'< {GOAL_MS}':>10}")


if __name__ == "__main__":
    main()
