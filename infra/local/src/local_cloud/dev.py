"""`make dev`: the local cloud, the deployed stack, a demo user, and the application with streaming and reload."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn

import httpx2

from local_cloud import guide, ministack, model_server, ports, stack, users
from local_cloud.child import Child
from local_cloud.dev_app import TOKEN
from local_cloud.errors import LocalCloudError, NotReady
from local_cloud.guide import Model
from local_cloud.ministack import Cloud
from local_cloud.paths import CHAT_FETCH, required
from local_cloud.stack import Stack

EMAIL = "demo@example.com"
PORT = 8000
"""Where the application is, if the port is free."""
REFRESH_SECONDS = 30 * 60
"""How often the demo user signs in again; a token lasts an hour."""
START_SECONDS = 60.0
CHOSEN = ("STOP_ON_DISCONNECT",)
"""Settings that mean something here and nothing on Lambda, which does not tell that a client has left."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 1 with one line where something cannot be had."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as running:
            _run(running)
    except LocalCloudError as error:
        print(f"make dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Begin to stop, at any time; what comes next must not disturb that."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(running: ExitStack) -> NoReturn:
    stack.check_set_up()
    required(CHAT_FETCH, "make web")
    print("Starting the local cloud ...", flush=True)
    # Functions in MiniStack's own process reach this machine's loopback; nothing else needs to be reachable.
    cloud = running.enter_context(ministack.running())
    model = running.enter_context(_model(cloud))
    print("Deploying the stack to it ...", flush=True)
    deployed = stack.deploy(cloud, model.parameters)
    deployed.put_model_key(model.key)
    user = users.sign_up(deployed, EMAIL)
    _refresh_token(deployed, user)
    address = running.enter_context(_application(deployed))
    print(guide.text(deployed, user, model, address), flush=True)
    while True:
        threading.Event().wait(REFRESH_SECONDS)
        _refresh_token(deployed, user)


@contextmanager
def _model(cloud: Cloud) -> Iterator[Model]:
    """The model that the environment has a key for, else the offline one."""
    name = os.environ.get("MODEL_NAME")
    if key := os.environ.get("OPENAI_API_KEY"):
        yield Model(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1", key, name)
        return
    with model_server.running(model_server.OfflineModel()) as port:
        yield Model(cloud.seen_by_functions(port, "/v1"), model_server.KEY, name, is_offline=True)


def _refresh_token(deployed: Stack, user: users.User) -> None:
    """Leave a fresh token for the page and for curl, readable by this person only."""
    TOKEN.parent.mkdir(exist_ok=True)
    TOKEN.touch(mode=0o600)
    TOKEN.write_text(users.sign_in(deployed, user).access)


@contextmanager
def _application(deployed: Stack) -> Iterator[str]:
    """Serve the application with the deployed function's own variables, but for those that the shell may choose.

    Gives its address once it answers.
    """
    (listener,) = ports.listen(preferred=PORT)
    port = ports.port_of([listener])
    listener.close()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPENAI_"))}
    chosen = {name: kept[name] for name in CHOSEN if name in kept}
    # Metrics are lines for CloudWatch, of no use on a screen.
    own = {**deployed.cloud.environment, "POWERTOOLS_METRICS_DISABLED": "true"}
    environment = {**kept, **deployed.function_variables(), **chosen, **own}
    with Child([sys.executable, "-m", "local_cloud.dev_app", str(port)], environment) as child:
        address = f"http://{ports.LOOPBACK}:{port}"
        _wait(child, address)
        yield address


def _wait(child: Child, address: str) -> None:
    end = time.monotonic() + START_SECONDS
    with httpx2.Client(base_url=address, timeout=START_SECONDS, trust_env=False) as http:
        while time.monotonic() < end:
            child.check("the application")
            try:
                http.get("/health").raise_for_status()
            except httpx2.TransportError:
                time.sleep(0.05)
            else:
                return
    raise NotReady("the application did not start; what it said is above")


if __name__ == "__main__":
    sys.exit(main())
