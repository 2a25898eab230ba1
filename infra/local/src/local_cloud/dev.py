"""`make dev`: the local cloud, the deployed stack, a demo user, and the application with streaming and reload."""

import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2

from local_cloud import cloud, stack, users
from local_cloud.child import Child, free_port
from local_cloud.dev_app import SESSION
from local_cloud.errors import LocalCloudError
from local_cloud.model_server import KEY
from local_cloud.paths import ROOT, STATE
from local_cloud.stack import Stack

EMAIL = "demo@example.com"
CALLBACK = "http://localhost:5173/"
"""The template's default callback; nothing needs to answer there, for the code is read from the redirect."""
PORT = 8000
TOKEN = STATE / "token"
REFRESH_SECONDS = 30 * 60
"""How often the demo user signs in again; a token lasts an hour."""
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Model:
    """Where the answers come from."""

    base_url: str
    key: str
    name: str


def main() -> int:
    """Run until Ctrl-C; 1 with one line where something cannot be had."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        with ExitStack() as running:
            _run(running, stop)
    except LocalCloudError as error:
        sys.stderr.write(f"make dev: {error}\n")
        return 1
    return 0


def _run(running: ExitStack, stop: threading.Event) -> None:
    _say("Starting the local cloud ...")
    local = running.enter_context(cloud.running())
    model = running.enter_context(_model())
    _say("Deploying the stack to it ...")
    parameters = {
        "Architecture": "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64",
        "DeletionProtection": "false",
        "JwksUrl": local.endpoint + local.jwks_path,
        "OpenAIBaseUrl": model.base_url,
        **({"ModelName": os.environ["MODEL_NAME"]} if os.environ.get("MODEL_NAME") else {}),
    }
    deployed = stack.deploy(local, parameters)
    deployed.put_model_key(model.key)
    users.create(deployed, EMAIL)
    _sign_in(deployed)
    address = running.enter_context(_application(deployed))
    _say(_guide(deployed, address, model))
    while not stop.wait(REFRESH_SECONDS):
        _sign_in(deployed)
    _say("\nStopping ...")


@contextmanager
def _model() -> Iterator[Model]:
    """The model that the environment names a key for, else the offline one."""
    if key := os.environ.get("OPENAI_API_KEY"):
        base_url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
        yield Model(base_url, key, f"the model at {base_url}")
        return
    port = free_port()
    command = [sys.executable, "-m", "local_cloud.model_server", "--port", str(port)]
    with Child(command, os.environ, STATE / "model.log"):
        yield Model(f"http://127.0.0.1:{port}/v1", KEY, "the offline model (set OPENAI_API_KEY for a real one)")


def _sign_in(deployed: Stack) -> None:
    """Leave a fresh token for the page and for curl, readable by this user only."""
    tokens = users.sign_in(deployed, EMAIL, CALLBACK)
    for path, text in ((TOKEN, tokens.access), (SESSION, json.dumps({"token": tokens.access, "user": EMAIL}))):
        path.touch(mode=0o600)
        path.write_text(text)


@contextmanager
def _application(deployed: Stack) -> Iterator[str]:
    """Serve the application with the function's own variables; gives its address once it answers."""
    port = free_port(PORT)
    address = f"http://127.0.0.1:{port}"
    environment = {**deployed.cloud.environment, **deployed.function_variables(), "TZ": "UTC"}
    command = [sys.executable, "-m", "uvicorn", "--factory", "local_cloud.dev_app:create_app", "--port", str(port)]
    command += ["--log-level", "warning", "--reload"]
    for folder in ("functions/chat/src", "layers/chatkit_aws/src", "layers/streaming/src"):
        command += ["--reload-dir", str(ROOT / folder)]
    with Child(command, environment) as child:
        end = time.monotonic() + READY_SECONDS
        while not _answers(address):
            if not child.is_running or time.monotonic() > end:
                raise LocalCloudError("The application did not start; what it said is above.")
            time.sleep(0.2)
        yield address


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def _guide(deployed: Stack, address: str, model: Model) -> str:
    """What a person needs to call it."""
    asked = {"content": [{"type": "input_text", "text": "What time is it in Europe/Berlin?"}]}
    message = {**asked, "attachments": [], "inference_options": {}}
    body = json.dumps({"type": "threads.create", "params": {"input": message}})
    rest, rest_headers = deployed.rest_api
    url, url_headers = deployed.function_url
    return f"""
Ready: {address}/ answers with {model.name}. Edit functions/chat/src/chat_api/assistant and it reloads.

  user      {EMAIL}
  password  {users.PASSWORD}
  token     {TOKEN.relative_to(ROOT)}, renewed every half hour

  curl -N {address}/chatkit -H "Authorization: Bearer $(cat {TOKEN.relative_to(ROOT)})" \\
    -H 'Content-Type: application/json' -d '{body}'

The same as deployed to the local cloud, where answers come whole:

  {rest}/chatkit  with  -H 'Host: {rest_headers["Host"]}'
  {url}/chatkit  with  -H 'Host: {url_headers["Host"]}'

Ctrl-C stops all of it.
"""


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
