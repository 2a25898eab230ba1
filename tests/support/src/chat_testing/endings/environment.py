"""The program that makes execution environments: it imports the application once, and forks a process for each.

Each line of standard input is a JSON object: `changes` of the environment's variables, and a `log` file. Each is
answered with the new process's id and the port at which it serves the application that `create_app_from_environment`
makes there. All end when standard input does; nobody waits for them before, so that no id is used again.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from openai import AsyncOpenAI
from openai._models import construct_type  # what the client itself does with each event of the model's
from openai.types.responses import ResponseStreamEvent

from chat_api.bootstrap import create_app_from_environment
from chat_testing.benches import prepare
from local_cloud import ports
from local_cloud.responses import text_answer


def main() -> None:
    """Fork whenever asked, until nobody can ask any more."""
    prepare()
    _warm_up()
    children: list[int] = []
    try:
        while line := sys.stdin.readline():
            children.append(_start(json.loads(line)))
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def _warm_up() -> None:
    """Do here for all of them what else each does once: boto, pydantic and the model's client are slow to begin."""
    create_app_from_environment()
    assert AsyncOpenAI(api_key="none").responses is not None
    for event in text_answer(["word"]):
        construct_type(type_=ResponseStreamEvent, value=event)


def _start(wanted: dict[str, Any]) -> int:
    """The id of a new process, which listens already."""
    [listener] = ports.listen()
    child = os.fork()
    if child == 0:
        try:
            _serve(listener, wanted["changes"], Path(wanted["log"]))
        finally:
            os._exit(1)
    print(json.dumps([child, ports.port_of([listener])]), flush=True)  # noqa: T201 - it answers whoever asked
    listener.close()
    return child


def _serve(listener: socket.socket, changes: dict[str, str], log: Path) -> None:
    """Be an execution environment, whose log is that file."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        for source, target in ((nothing, sys.stdin), (output, sys.stdout), (output, sys.stderr)):
            os.dup2(source.fileno(), target.fileno())
    os.environ.update(changes)
    # Longer than any case: a connection that is closed as a request is sent on it looks like a broken answer.
    config = uvicorn.Config(
        create_app_from_environment(), log_config=None, lifespan="off", access_log=False, timeout_keep_alive=600
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
