"""One turn: the SDK's events, run in a task of their own and read by the response."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from chatkit.types import ErrorEvent, NoticeEvent

from chat_api.failures import DEADLINE, fail
from chat_api.runs.ending import Cause, Ending
from chat_api.runs.keeper import Keeper
from chat_api.texts import mark
from chat_api.wire import event_of
from chat_api.words import Words
from chatkit_aws.errors import LeaseLost
from chatkit_aws.store.calls import deadline as answers_until

_STOPPED = mark("The answer was stopped.")

MARGIN_SECONDS = 10.0
"""Time to store what there is and to say why the turn ended."""
PATIENCE_SECONDS = 3.0
"""Time for the model's run to end by itself when it is cut short, before the turn is cancelled."""
LAST_WORD_SECONDS = 1.5
"""Time to say so, when storing has taken all it may."""

_running: set[asyncio.Task[None]] = set()
"""Turns under way: the event loop itself keeps only weak references to tasks, and a reader may have left."""


class Turn:
    """Runs an event stream to its end, whoever reads it.

    The task of its own has two reasons: the SDK sets context variables between its events, which must be reset in the
    context that set them; and a reader that goes away must not end the turn, so that a reload shows the whole answer.

    A failure before the first event is raised by `first`. After it, an error event ends the stream: ChatKit.js shows
    it, whereas a broken stream makes it send the request again, up to five times.
    """

    def __init__(
        self,
        events: AsyncIterator[bytes],
        deadline: float | None = None,
        keeper: Keeper | None = None,
        ending: Ending | None = None,
        words: Words | None = None,
    ) -> None:
        """Start the turn; `events` are whole server-sent events, `keeper` that of the run, `words` for who asked.

        `deadline`, in seconds since the epoch, is when the platform ends the process. The turn ends itself before: the
        SDK keeps the text so far, and the error event allows a retry.
        """
        self._events = events
        self._deadline = deadline
        self._keeper = keeper
        self._ending = ending or Ending()
        self._words = words or Words("en", "none")
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._started = asyncio.Event()
        self._is_read = True
        self._is_over = False
        self._timers: list[asyncio.TimerHandle] = []
        self._task = asyncio.create_task(self._run())
        _running.add(self._task)
        self._task.add_done_callback(_running.discard)
        if keeper is not None:
            keeper.start(self.stop, None if deadline is None else deadline - LAST_WORD_SECONDS)

    async def first(self) -> bytes | None:
        """Wait for the first event and return it; None if the turn ended without one; raises what the turn raised."""
        started = asyncio.create_task(self._started.wait())
        await asyncio.wait({started, self._task}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if not self._started.is_set():
            await self._task
            return None
        return await self._queue.get()

    async def events(self, first: bytes) -> AsyncGenerator[bytes]:
        """All events, of which the first was read."""
        yield first
        async with aclosing(self.rest()) as rest:
            async for event in rest:
                yield event

    async def rest(self) -> AsyncGenerator[bytes]:
        """The events after the first, until the turn ends."""
        try:
            while (event := await self._queue.get()) is not None:
                yield event
        finally:
            self._is_read = False

    async def finished(self) -> None:
        """Wait until the turn has ended."""
        await asyncio.wait({self._task})

    def stop(self, cause: Cause) -> None:
        """End the turn: the model's call is cancelled, what there is of the answer is stored, a last event says why.

        Nothing happens where the turn is ending for another reason, or has said its last event.
        """
        if self._ending.cause is not None or self._ending.is_storing or self._is_over:
            return
        self._ending.cause = cause
        if self._ending.cut is None:
            self._task.cancel()
        else:
            self._ending.cut()
            self._timers.append(asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._lose_patience))

    def _lose_patience(self) -> None:
        if not self._ending.is_storing:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._run_events()
        finally:
            # Before the response ends: who has read its end may send the next message.
            if self._keeper is not None:
                await self._keeper.end()
            self._put(None)

    async def _run_events(self) -> None:
        self._watch_the_clock()
        try:
            async for event in self._events:
                self._say(event)
        except asyncio.CancelledError:
            if self._ending.cause is None:
                raise
            if self._ending.cause == "deadline":
                fail(TimeoutError("the turn took too long"), DEADLINE)
            self._say(event_of(self._last_words(self._ending.cause)))
        except Exception as error:
            if not self._started.is_set():
                raise
            self._say(event_of(self._words.told(error)))
        finally:
            # From here on the run is given back, which no stop may disturb.
            self._is_over = True
            for timer in self._timers:
                timer.cancel()

    def _watch_the_clock(self) -> None:
        """End the turn in time, and every call to AWS before there is none left."""
        if self._deadline is None:
            return
        answers_until.set(self._deadline - LAST_WORD_SECONDS)
        seconds = max(0.0, self._deadline - time.time() - MARGIN_SECONDS)
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self.stop, "deadline"))

    def _last_words(self, cause: Cause) -> ErrorEvent | NoticeEvent:
        match cause:
            case "stopped":
                return self._words.notice(_STOPPED)
            case "lost":
                return self._words.refusal(LeaseLost().message)
            case "deadline":
                ending = self._ending
                return self._words.failure(DEADLINE, is_final=ending.is_final, is_gone=ending.is_taken_back)

    def _say(self, event: bytes) -> None:
        if self._keeper is not None:
            self._keeper.said(event)
        self._put(event)
        self._started.set()

    def _put(self, event: bytes | None) -> None:
        if self._is_read:
            self._queue.put_nowait(event)
