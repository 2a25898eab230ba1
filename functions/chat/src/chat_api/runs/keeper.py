"""Keeps one run: renews its lease, writes down what it says, and sees whether it is to stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass

from chat_api.runs.ending import Cause
from chat_api.runs.spending import Spending
from chat_api.runs.transcript import Transcript
from chatkit_aws.errors import LeaseLost, StoreRefused, StoreUnavailable
from chatkit_aws.runs import EventLog, Leases, Stops
from chatkit_aws.runs.names import End
from chatkit_aws.store.calls import deadline
from chatkit_aws.store.lease import Lease, Taking

logger = logging.getLogger(__name__)

LAST = b": end\n\n"
"""The last of a run's events, which only the log has: without it something is missing."""

RENEW_SECONDS = 10.0
"""How often a lease of thirty seconds is renewed: two renewals may fail."""

type Step = Callable[[Lease], Awaitable[Cause | None]]
"""What a run does again and again; it may say why the run is to end, and raises LeaseLost for `lost`."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Where runs are kept; without a `log` nobody can follow one. `watch_seconds` is how often a run looks around."""

    leases: Leases
    stops: Stops
    log: EventLog | None
    watch_seconds: float = 1.0


class Keeper:
    """One run's, from its first moment to its last. A table that does not answer ends no run.

    Looking for a stop, renewing and writing the log are a task each, so that none of them waits for another.
    """

    def __init__(self, runs: Runs, taking: Taking, spending: Spending) -> None:
        """Keep the run whose lease is being taken."""
        self._runs = runs
        self._taking = taking
        self._spending = spending
        self._over = asyncio.Event()
        self._transcript = Transcript(runs.log)
        self._renewed = time.monotonic()
        self._end: End = "void"
        self._watches: set[asyncio.Task[None]] = set()
        self._writing: asyncio.Task[None] | None = None

    def start(self, stop: Callable[[Cause], None], until: float | None = None) -> None:
        """Begin to watch; `stop` ends the turn.

        `until`, in seconds since the epoch, is when no answer of the table's is of use any more. The tasks need to be
        told: they see nothing of what the turn sets in a context of its own.
        """
        watch = self._runs.watch_seconds
        self._watches = {self._task(watch, self._look, stop, until), self._task(watch, self._renew, stop, until)}
        self._writing = self._task(watch, self._write, stop, until)

    def said(self, event: bytes) -> None:
        """Take down an event."""
        self._end = "clean"
        self._transcript.add(event)

    async def end(self) -> None:
        """Write the rest down and let the next run begin. Raises nothing: the turn is over in any case."""
        self._over.set()
        for watch in self._watches:  # what it would find out is of no use any more
            watch.cancel()
        try:
            lease = await self._taking.taken()
        except Exception:  # noqa: BLE001 - there never was a run, and who asked for it was told
            return
        if self._end == "clean":
            self.said(LAST)
        await asyncio.gather(self._write_the_rest(lease), self._keep_names(lease), self._spending.settle())
        try:
            await self._runs.leases.end(lease, self._end)
        except (StoreUnavailable, StoreRefused) as error:
            logger.warning("a lease could not be given back, and lapses: %s", error)

    async def _keep_names(self, lease: Lease) -> None:
        try:
            await self._runs.leases.keep_names(lease, self._end)
        except (StoreUnavailable, StoreRefused) as error:
            logger.warning("the name of a run is not known for long: %s", error)

    def _task(
        self, seconds: float, step: Step, stop: Callable[[Cause], None], until: float | None
    ) -> asyncio.Task[None]:
        context = copy_context()
        if until is not None:
            context.run(deadline.set, until)
        return asyncio.create_task(self._repeat(seconds, step, stop), context=context)

    async def _repeat(self, seconds: float, step: Step, stop: Callable[[Cause], None]) -> None:
        """Take a step every so often, until the run is over or is to end."""
        try:
            lease = await self._taking.taken()
        except Exception:  # noqa: BLE001 - the turn itself meets it
            return
        while not await self._is_over_after(seconds):
            if cause := await _taken(step, lease):
                stop(cause)
                return

    async def _look(self, lease: Lease) -> Cause | None:
        return "stopped" if await self._runs.stops.is_asked(lease.thread.owner, lease.run_id) else None

    async def _renew(self, lease: Lease) -> None:
        """Renew what is due: one that failed is tried again soon."""
        now = time.monotonic()
        if now - self._renewed >= RENEW_SECONDS:
            await asyncio.gather(self._runs.leases.renew(lease), self._spending.renew())
            self._renewed = now

    async def _write(self, lease: Lease) -> None:
        await self._transcript.write(lease)

    async def _write_the_rest(self, lease: Lease) -> None:
        """After the batch that is under way, which no end of the run interrupts: else there might be a gap."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await _taken(self._write, lease)

    async def _is_over_after(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def _taken(step: Step, lease: Lease) -> Cause | None:
    """Why the run is to end after a step, if it is."""
    try:
        return await step(lease)
    except LeaseLost:
        return "lost"
    except (StoreUnavailable, StoreRefused) as error:
        logger.warning("a run could not look around: %s", error)
        return None
