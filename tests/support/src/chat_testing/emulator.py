"""Amazon's Runtime Interface Emulator, from the SAM CLI's wheel; it answers when a response is whole."""

import http.client
import json
import os
import platform
import shutil
import socket
import time
from pathlib import Path
from typing import Self

from chat_testing.function_process import FunctionProcess
from chat_testing.repository import TOOLS
from chat_testing.sandbox import Sandbox

START_SECONDS = 10.0
"""How long the emulator may take to listen."""

_RAPID = "sam/lib/python3.*/site-packages/samcli/local/rapid"
_ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_INVOKE = "/2015-03-31/functions/function/invocations"


class Emulator:
    """The emulator with one function; a context manager.

    `timeout` is the function's, in seconds. Raises `FileNotFoundError` where the SAM CLI is not set up.
    """

    def __init__(self, sandbox: Sandbox, *, timeout: int = 30) -> None:
        self._timeout = timeout
        self._port = _free_port()
        program = _executable_copy(sandbox.root)
        addresses = [
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{self._port}",
            "--runtime-api-address",
            f"127.0.0.1:{_free_port()}",
        ]
        command = [str(program), *addresses, str(sandbox.bootstrap), sandbox.handler]
        variables = {**sandbox.variables, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout)}
        self.process = FunctionProcess(Sandbox(sandbox.root, sandbox.handler, variables), command=command)

    def __enter__(self) -> Self:
        self.process.__enter__()
        try:
            self._wait_until_listening()
        except TimeoutError:
            self.process.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.__exit__(*exc)

    def invoke(self, event: object) -> bytes:
        """Invoke the function and return its whole payload; an error is a JSON object with `errorType`."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout + 5)
        try:
            connection.request("POST", _INVOKE, json.dumps(event))
            return connection.getresponse().read()
        finally:
            connection.close()

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except ConnectionRefusedError as exc:
                if time.monotonic() > deadline or not self.process.is_running:
                    raise TimeoutError(f"the emulator does not listen:\n{self.process.output}") from exc
                time.sleep(0.01)
            else:
                return


def _executable_copy(folder: Path) -> Path:
    """The emulator's binary, which the wheel leaves without the executable bit."""
    name = f"aws-lambda-rie-{_ARCHITECTURE[platform.machine()]}"
    found = next(TOOLS.glob(f"{_RAPID}/{name}"), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not below .tools/sam: run `make setup-sam`")
    copy = folder / "aws-lambda-rie"
    shutil.copyfile(found, copy)
    os.chmod(copy, 0o755)
    return copy


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
