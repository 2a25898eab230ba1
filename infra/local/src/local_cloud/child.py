"""A process of ours, with all that it starts."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from local_cloud import parent
from local_cloud.errors import NotReady

STOP_SECONDS = 30.0
"""How long a process may take to end; the local cloud stops containers meanwhile."""
_LOG_END = 2000
"""Characters of a log that an error shows."""


class Child:
    """A child process in a group of its own; a context manager that ends the whole group.

    Its own group keeps Ctrl-C from it, so that its parent ends things in order. It is told its parent's id
    (`local_cloud.parent`). Where `log` is given, its output goes there.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Path | None = None,
        files: Sequence[int] = (),
    ) -> None:
        """Run `command` with exactly that environment, which inherits the open `files`."""
        self._command = command
        self._environment = parent.naming_me(environment)
        self._log = log
        self._files = files

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            output = opened.enter_context(self._log.open("ab")) if self._log else None
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                pass_fds=self._files,
            )
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process as it likes to, then whatever of its group is left by force."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def check(self, name: str) -> None:
        """Raise `NotReady` with the end of the log if the process has ended."""
        if self._process.poll() is not None:
            raise NotReady(f"{name} ended with status {self._process.returncode}: {self._said()}")

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-_LOG_END:].strip() if self._log else "see above"
