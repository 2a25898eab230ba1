"""Keeps one run: renews its lease, writes down what it says, and sees whether it is to stop."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from chat_api.runs.ending import Cause
from chat_api.runs.spending import Spending
from chatkit_aws.errors import ChatKitAwsError, LeaseLost, StoreRefused, StoreUnavailable
from chatkit_aws.runs import EventLog, Leases, Stops
from chatkit_aws.runs.leases import End
from chatkit_aws.store.lease import Lease, Taking

logger = logging.getLogger(__name__)

LAST = b": end\n\n"
"""The last of a run's events, which only the log has: without it something is missing."""

RENEW_SECONDS = 10.0
"""How often a lease of thirty seconds is renewed: two renewals may fail."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Where runs are kept; without a `log` nobody can follow one. `watch_seconds` is how often a run looks around."""

    leases: Leases
    stops: Stops
    log: EventLog | None
    watch_seconds: float = 1.0


class Keeper:
    """One run's, from its first moment to its last. A table that does not answer ends no run."""

    def __init__(self, runs: Runs, taking: Taking, spending: Spending) -> None:
        """Keep the run whose lease is being taken."""
        self._runs = runs
        self._taking = taking
        self._spending = spending
        self._over = asyncio.Event()
        self._said = bytearray()
        self._batch = 0
        self._renewed = time.monotonic()
        self._is_logged = runs.log is not None
        self._end: End = "void"
        self._watch: asyncio.Task[None] | None = None

    def start(self, stop: Callable[[Cause], None]) -> None:
        """Begin to watch; `stop` ends the turn."""
        self._watch = asyncio.create_task(self._look_around(stop))

    def said(self, event: bytes) -> None:
        """Take down an event."""
        self._end = "clean"
        if self._is_logged:
            self._said += event

    async def end(self) -> None:
        """Write the rest down and let the next run begin. Raises nothing: the turn is over in any case."""
        self._over.set()
        if self._watch is not None:
            await self._watch
        try:
            lease = await self._taking.taken()
        except Exception:  # noqa: BLE001 - there never was a run, and who asked for it was told
            return
        if self._end == "clean":
            self.said(LAST)
        await asyncio.gather(self._write_down(lease), self._spending.settle())
        try:
            await self._runs.leases.end(lease, self._end)
        except (StoreUnavailable, StoreRefused) as error:
            logger.warning("a lease could not be given back, and lapses: %s", error)

    async def _look_around(self, stop: Callable[[Cause], None]) -> None:
        try:
            lease = await self._taking.taken()
        except Exception:  # noqa: BLE001 - the turn itself meets it
            return
        while not await self._is_over_after(self._runs.watch_seconds):
            if cause := await self._cause(lease):
                stop(cause)
                return
            await self._write_down(lease)

    async def _cause(self, lease: Lease) -> Cause | None:
        """Why the run is to end, if it is."""
        try:
            if await self._runs.stops.is_asked(lease.thread.owner, lease.run_id):
                return "stopped"
            if time.monotonic() - self._renewed >= RENEW_SECONDS:
                await asyncio.gather(self._runs.leases.renew(lease), self._spending.renew())
                self._renewed = time.monotonic()
        except LeaseLost:
            return "lost"
        except (StoreUnavailable, StoreRefused) as error:
            logger.warning("a run could not look around: %s", error)
        return None

    async def _is_over_after(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _write_down(self, lease: Lease) -> None:
        """Add what was said to the log. A log with a gap would be worse than one that ends."""
        if self._runs.log is None or not self._is_logged or not self._said:
            return
        said, self._said = bytes(self._said), bytearray()
        try:
            self._batch = await self._runs.log.append(lease, self._batch, said)
        except ChatKitAwsError as error:
            self._is_logged = False
            logger.warning("a run's events are not kept any more: %s", error)
