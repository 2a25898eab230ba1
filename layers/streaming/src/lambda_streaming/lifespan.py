"""The app's lifespan: started with the process, shut down with it."""

import asyncio
import atexit
import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

from mangum.protocols import LifespanCycle

from lambda_streaming.asgi import AsgiApp, Receive, Scope, Send
from lambda_streaming.loop import LoopThread

SHUTDOWN_SECONDS = 1.5
"""Lambda ends the process two seconds after SIGTERM, earlier where no external extension is registered."""

logger = logging.getLogger(__name__)


class Lifespan:
    """One run of the app's lifespan protocol on the process's loop."""

    def __init__(self, app: AsgiApp, loop: LoopThread) -> None:
        self._app = app
        self._loop = loop
        self._ended = False

    def start(self) -> None:
        """Run the app's startup; raises `mangum.exceptions.LifespanFailure` if that fails."""
        self._loop.run(self._start())
        atexit.register(self.end)
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._on_sigterm)

    def end(self) -> None:
        """Run the app's shutdown, the first time that this is called; what fails is logged."""
        if self._ended:
            return
        self._ended = True
        atexit.unregister(self.end)
        try:
            self._loop.run(self._cycle.shutdown(), SHUTDOWN_SECONDS)
        except Exception:
            logger.exception("lifespan shutdown failed")

    @property
    def state(self) -> dict[str, Any]:
        """A copy for one request of what the startup put there."""
        return self._cycle.lifespan_state.copy()

    async def _start(self) -> None:
        self._cycle = LifespanCycle(self._call, "auto")
        self._task = asyncio.create_task(self._cycle.run())
        await self._cycle.startup()

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Shut down, then let SIGTERM do what it did before."""
        self.end()
        if callable(self._previous):
            self._previous(number, frame)
        elif self._previous is signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
