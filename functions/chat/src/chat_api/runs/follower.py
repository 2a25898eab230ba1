"""Following a run that another request began: its events from the start, or from any on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from chatkit.types import ErrorEvent

from chat_api.failures import Failure
from chat_api.runs.keeper import LAST, Runs
from chat_api.runs.taken_back import taken_back, tells_of
from chat_api.texts import mark
from chat_api.wire import event_of
from chat_api.words import Words
from chatkit_aws.runs.log import Forgotten
from chatkit_aws.runs.names import End
from chatkit_aws.store.lease import Lease

_INTERRUPTED = Failure("interrupted", mark("The answer was interrupted."), allow_retry=True)
_REFUSED = Failure("refused", mark("This was not answered."), allow_retry=True)
_NOT_KEPT = mark("This is being answered. Reload to see the answer.")
_END = b"\n\n"


@dataclass(frozen=True, slots=True)
class Follower:
    """Reads what a run says. The run may be in another process, or over.

    `run_id` is the name that the follower's own request has: a stop of that name is one of the run that is followed.
    """

    runs: Runs
    lease: Lease
    words: Words
    run_id: str | None = None

    async def events(self, after: int = 0) -> AsyncIterator[bytes]:
        """The events but for the first `after`, as they come; the last one says so where the run broke off.

        Of a run that is over, those are left out that tell of items which it took back, as a refused answer.
        """
        try:
            async for event in self._events(after):
                yield event
        except Forgotten:
            yield event_of(self.words.refusal(_NOT_KEPT))

    async def has_said(self) -> bool:
        """Whether the run is known to have said something. Its thread was there then, if it was not deleted."""
        if await self.runs.leases.is_over(self.lease) == "clean":
            return True
        return self.runs.log is not None and await self.runs.log.has_begun(self.lease)

    async def _events(self, after: int) -> AsyncIterator[bytes]:
        """The same. Raises Forgotten where some are not there any more."""
        rest, last = b"", b""
        async for data, is_all in self._data():
            *events, rest = (rest + data).split(_END)
            gone = taken_back(events) if is_all else set[str]()
            for event in events:
                last = event + _END
                if after > 0:
                    after -= 1
                elif last != LAST and not tells_of(event, gone):
                    yield last
        if last != LAST:
            yield event_of(self._last_words(await self.runs.leases.is_over(self.lease)))

    def _last_words(self, end: End | Literal[False]) -> ErrorEvent:
        """Why what was followed has no end."""
        match end:
            case "broken":
                return self.words.failure(_INTERRUPTED)
            case "void":
                return self.words.failure(_REFUSED)
        return self.words.refusal(_NOT_KEPT)

    async def _data(self) -> AsyncIterator[tuple[bytes, bool]]:
        """The log, piece by piece, until the run is over, and of each piece whether it is all that there is."""
        if self.runs.log is None:
            return
        batch = 0
        while True:
            # Asked before the events are read: what a run says is there before it is over.
            end = await self.runs.leases.is_over(self.lease)
            is_all = batch == 0 and bool(end)
            data, batch = await self.runs.log.read(self.lease, batch)
            if data:
                yield data, is_all
            if end:
                return
            await self._hand_on_a_stop()
            await asyncio.sleep(self.runs.watch_seconds)

    async def _hand_on_a_stop(self) -> None:
        owner, stops = self.lease.thread.owner, self.runs.stops
        if self.run_id is not None and self.run_id != self.lease.run_id and await stops.is_asked(owner, self.run_id):
            await stops.ask(owner, self.lease.run_id)
