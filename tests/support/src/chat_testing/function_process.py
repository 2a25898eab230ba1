"""A sandboxed function's process: what Lambda starts, and what it printed."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import Self

from chat_testing.sandbox import Sandbox

END_SECONDS = 10.0
"""How long a process may take to end."""


class FunctionProcess:
    """Starts a sandbox's bootstrap; a context manager that ends it, by force at last.

    `address` is that of the Runtime API; `command` starts something else that starts the bootstrap, as the emulator.
    """

    def __init__(self, sandbox: Sandbox, address: str = "", *, command: Sequence[str] = ()) -> None:
        self._command = command or [str(sandbox.bootstrap)]
        self._environment = sandbox.environment
        if address:
            self._environment["AWS_LAMBDA_RUNTIME_API"] = address

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile("a+b")  # appends, so that reading does not move where the process writes
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """All that the process has printed so far: its log."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def terminate(self) -> int:
        """Send SIGTERM, as Lambda does at the end of an environment; the exit status, negative if by signal."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for the process to end by itself; raises `subprocess.TimeoutExpired`."""
        return self._process.wait(END_SECONDS)

    def wait_for_output(self, text: str) -> None:
        """Wait until the log contains `text`; raises `TimeoutError` with the log."""
        deadline = time.monotonic() + END_SECONDS
        while text not in self.output:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} is not in the log:\n{self.output}")
            time.sleep(0.01)
