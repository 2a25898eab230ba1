"""One turn: the SDK's events, run in a task of their own and read by the response."""

import asyncio
import time
from collections.abc import AsyncIterator

from chatkit.errors import ErrorCode
from chatkit.types import ErrorEvent

from chatkit_aws.record import current_record

_FAILED = ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True)

MARGIN_SECONDS = 10.0
"""Time to store what there is and to say why the turn ended."""

_running: set[asyncio.Task[None]] = set()
"""Turns under way: the event loop itself keeps only weak references to tasks, and a reader may have left."""


class Turn:
    """Runs an event stream to its end, whoever reads it.

    The task of its own has two reasons: the SDK sets context variables between its events, which must be reset in the
    context that set them; and a reader that goes away must not end the turn, so that a reload shows the whole answer.

    A failure before the first event is raised by `first`. After it, an error event ends the stream: ChatKit.js shows
    it, whereas a broken stream makes it send the request again, up to five times.
    """

    def __init__(self, events: AsyncIterator[bytes], deadline: float | None = None) -> None:
        """Start the turn; `events` are whole server-sent events.

        `deadline`, in seconds since the epoch, is when the platform ends the process. The turn ends itself before: the
        SDK keeps the text so far, and the error event allows a retry.
        """
        self._events = events
        self._seconds = None if deadline is None else max(0.0, deadline - time.time() - MARGIN_SECONDS)
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._started = asyncio.Event()
        self._is_read = True
        self._task = asyncio.create_task(self._run())
        _running.add(self._task)
        self._task.add_done_callback(_running.discard)

    async def first(self) -> bytes | None:
        """Wait for the first event and return it; None if the turn ended without one; raises what the turn raised."""
        started = asyncio.create_task(self._started.wait())
        await asyncio.wait({started, self._task}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if not self._started.is_set():
            await self._task
            return None
        return await self._queue.get()

    async def rest(self) -> AsyncIterator[bytes]:
        """The events after the first, until the turn ends."""
        try:
            while (event := await self._queue.get()) is not None:
                yield event
        finally:
            self._is_read = False

    async def finished(self) -> None:
        """Wait until the turn has ended."""
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                async for event in self._events:
                    self._put(event)
                    self._started.set()
        except Exception as error:
            if not self._started.is_set():
                raise
            if (record := current_record.get()) is not None:
                record.fail(error)
            self._put(f"data: {_FAILED.model_dump_json(by_alias=True, exclude_none=True)}\n\n".encode())
        finally:
            self._put(None)

    def _put(self, event: bytes | None) -> None:
        if self._is_read:
            self._queue.put_nowait(event)
