"""How long a word of the model takes through the built function: from the model to the Runtime API.

The function has a process of its own, as on Lambda; the model, the Runtime API and the emulators are beside it.
"""
# ruff: noqa: T201 - its output is its purpose

import logging
import statistics
import tempfile
import time
from pathlib import Path

from chat_testing import dynamodb_local, events, tokens
from chat_testing.app import settings_for
from chat_testing.artifact import built_sandbox, variables_of
from chat_testing.function_process import FunctionProcess
from chat_testing.gated_model import GatedModel, serving_gated_model
from chat_testing.recordings import Invocation
from chat_testing.runtime_api import RuntimeApi
from chat_testing.secrets import serving_secret
from chat_testing.table_definition import create_table
from chatkit_aws.clients import dynamodb_client

TURNS = 5
WORDS = 60
GOAL_MS = 30
"""The median that is wanted, in milliseconds."""


def delays_of(invocation: Invocation, model: GatedModel) -> list[float]:
    """Seconds from each word's saying to its chunk's arrival."""
    model.wait_for_call()
    delays: list[float] = []
    number = 1
    for word in range(WORDS):
        said = time.perf_counter()
        model.say(f"word{word} ")
        while True:
            chunk = invocation.chunk(number)
            number += 1
            if b'text_delta"' in chunk.data:
                break
        delays.append(chunk.at - said)
    model.end()
    invocation.response()
    return delays


def main() -> None:
    """Measure and print one table."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with (
        dynamodb_local.running() as dynamodb,
        tokens.serving() as issuer,
        serving_gated_model() as model,
        serving_secret("model-key", "sk-bench") as secrets,
        tempfile.TemporaryDirectory() as root,
    ):
        create_table(dynamodb_client(dynamodb), "bench")
        settings = settings_for("bench", issuer.jwks_url).model_copy(update={"openai_base_url": model.base_url})
        variables = {
            **variables_of(settings),
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets,
        }
        event = events.load("url_create_thread", issuer.mint())
        with RuntimeApi() as api, FunctionProcess(built_sandbox(Path(root) / "lambda", variables), api.address):
            turns = [delays_of(api.invoke(event), model) for _ in range(TURNS)]
    delays = sorted(delay * 1000 for turn in turns for delay in turn)
    print(f"\nfrom the model to the Runtime API, {TURNS} turns of {WORDS} words, in ms")
    print(f"{'median':>10}{'p95':>10}{'most':>10}{'goal':>10}")
    median, late = statistics.median(delays), delays[int(len(delays) * 0.95)]
    print(f"{median:>10.2f}{late:>10.2f}{delays[-1]:>10.2f}{f'< {GOAL_MS}':>10}")


if __name__ == "__main__":
    main()
