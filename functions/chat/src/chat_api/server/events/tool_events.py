"""The events that tools send while an answer goes on, on their way into its stream."""

import asyncio
from typing import Any, override

from agents import RunResultStreaming
from chatkit.agents import AgentContext


class ToolEvents(asyncio.Queue[Any]):
    """The queue of one answer, whose reader can be sent away.

    The SDK has a task wait for the next event, and leaves it there when the answer ends in an error or early: asyncio
    would complain at some later time about a task that was destroyed.

    A tool begins when all that the model has said was dealt with, and goes on when what it sent was: else the page and
    the store would have them in any order, and the next step of a workflow twice, which the SDK adds to the one that
    it has sent.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self._reader: asyncio.Task[Any] | None = None
        self._all_read = asyncio.Event()
        self._is_closed = False
        self._result: RunResultStreaming | None = None

    @classmethod
    def of(cls, context: AgentContext[Any]) -> "ToolEvents":
        """The events of an agent's context, which has not begun to run."""
        events = cls()
        context._events = events
        return events

    def follow(self, result: RunResultStreaming) -> None:
        """Take this run for the one whose tools send the events."""
        self._result = result

    async def turn(self) -> None:
        """Wait until the run's own events were dealt with."""
        if self._result is not None:
            await self._result._event_queue.join()

    @override
    async def put(self, item: Any) -> None:
        await super().put(item)
        if not self._is_closed:
            self._all_read.clear()
            await self._all_read.wait()

    @override
    async def get(self) -> Any:
        self._reader = asyncio.current_task()
        if self.empty():
            # Who asks for more has dealt with all that there was.
            self._all_read.set()
        return await super().get()

    def close(self) -> None:
        """Send the reader away, unless it is who calls, and let go on who waits for it."""
        self._is_closed = True
        self._all_read.set()
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()
