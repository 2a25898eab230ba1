"""A run's events, of which the last may come when nobody reads them any more."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from agents import RunResultStreaming, StreamEvent


def unread(run: RunResultStreaming) -> RunResultStreaming:
    """The run, for `stream_agent_response`, which reads nothing of it but its events.

    ChatKit's SDK has a task wait for each event, and leaves it there where the answer ends early (1.6.5). It ends when
    the run does, and asyncio would complain of an error that nobody has seen: even the end of the events is one.
    """
    return cast("RunResultStreaming", _Unread(run))


class _Unread:
    def __init__(self, run: RunResultStreaming) -> None:
        self._run = run

    def stream_events(self) -> AsyncIterator[StreamEvent]:
        return _Events(self._run.stream_events())


class _Events(AsyncIterator[StreamEvent]):
    """Not a generator: the task that waits is the one that asks for the next."""

    def __init__(self, events: AsyncIterator[StreamEvent]) -> None:
        self._events = events

    async def __anext__(self) -> StreamEvent:
        if (task := asyncio.current_task()) is not None:
            task.add_done_callback(_seen)
        return await anext(self._events)


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at how it has ended; who waits for it still gets that."""
    if not task.cancelled():
        task.exception()
