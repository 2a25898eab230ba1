"""Execution environments of the chat function: a process each, started and killed at any moment."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx2

from chat_testing.app import settings_for
from chat_testing.artifacts import variables_of
from chat_testing.chat import ChatClient

ANSWER_SECONDS = 60.0
"""How long a client waits for the next part of an answer: longer than a lease lasts."""
AS_DEPLOYED = {
    "history_items": 40,
    "requests_per_minute": 20,
    "concurrent_runs": 3,
    "tokens_per_day": 500_000,
    "reserved_tokens": 8_000,
    "usage_days": 400,
    "heartbeat_seconds": 15.0,
}
"""Settings as the template has them by default, where those of tests are others."""


def variables_for(table: str, jwks_url: str, model: str, dynamodb: str, secrets: str) -> dict[str, str]:
    """The function's variables for a table, and for the addresses of all that it talks to."""
    settings = settings_for(table, jwks_url).model_copy(update={**AS_DEPLOYED, "openai_base_url": model})
    addresses = {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets}
    return {**variables_of(settings), **addresses}


@dataclass(slots=True)
class Environment:
    """One process that serves the application, and the way to it."""

    pid: int
    watch_seconds: float
    http: httpx2.AsyncClient
    is_killed: bool = False

    def client(self, token: str) -> ChatClient:
        """A user's client that reaches this environment."""
        return ChatClient(self.http, token)

    def kill(self) -> None:
        """End the process at once; nothing in it can see that coming."""
        os.kill(self.pid, signal.SIGKILL)
        self.is_killed = True


class Environments:
    """Makes them, from a process that has the application imported; a context manager that ends them all."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Environments with these variables."""
        self._variables = variables
        self._asking = threading.Lock()
        self._started: list[Environment] = []

    def __enter__(self) -> Self:
        self._logs = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chat_testing.endings.environment"],
            env={**os.environ, **self._variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()
        self._logs.cleanup()

    def start(self, watch_seconds: float) -> Environment:
        """A new one, whose runs look around that often; its first request may have to wait until it is ready."""
        with self._asking:
            log = Path(self._logs.name) / f"{len(self._started)}.log"
            wanted = {"changes": {"WATCH_SECONDS": str(watch_seconds)}, "log": str(log)}
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(f"{json.dumps(wanted)}\n")
            self._process.stdin.flush()
            pid, port = json.loads(self._process.stdout.readline())
            http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS, trust_env=False)
            self._started.append(Environment(pid, watch_seconds, http))
            return self._started[-1]

    async def close(self) -> None:
        """Hang up everywhere."""
        for environment in self._started:
            await environment.http.aclose()

    def complaints(self) -> Counter[str]:
        """What all of them have logged so far that is worse than information, or printed."""
        lines = (
            line for log in Path(self._logs.name).iterdir() for line in log.read_text(errors="replace").splitlines()
        )
        return Counter(filter(None, map(_complaint, lines)))


def _complaint(line: str) -> str | None:
    entry = json.loads(line) if line.startswith("{") else {"level": "PRINTED", "name": "", "message": line}
    if entry["level"] in {"DEBUG", "INFO"}:
        return None
    return f"{entry['level']} {entry['name']} {entry.get('exception_name') or entry['message']}"
