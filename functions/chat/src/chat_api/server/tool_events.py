"""The events that tools send while an answer goes on, on their way into its stream."""

import asyncio
from typing import Any, override

from chatkit.agents import AgentContext


class ToolEvents(asyncio.Queue[Any]):
    """The queue of one answer, whose reader can be sent away.

    The SDK has a task wait for the next event, and leaves it there when the answer ends in an error or early: asyncio
    would complain at some later time about a task that was destroyed.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self._reader: asyncio.Task[Any] | None = None

    @classmethod
    def of(cls, context: AgentContext[Any]) -> "ToolEvents":
        """The events of an agent's context, which has not begun to run."""
        events = cls()
        context._events = events
        return events

    @override
    async def get(self) -> Any:
        self._reader = asyncio.current_task()
        return await super().get()

    def close(self) -> None:
        """Send the reader away, unless it is who calls."""
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()
