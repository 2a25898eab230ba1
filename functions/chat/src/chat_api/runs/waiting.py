"""What a request waits for that cannot begin at once, since a run has its thread that is about to end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chat_api.runs.keeper import Runs
from chatkit_aws.store.keys import ThreadKeys
from chatkit_aws.store.lease import Lease

LONGEST_SECONDS = 4.0
"""How long a request waits: a stopped run looks around once in a while, and stores what there is."""
MOMENT_SECONDS = 0.2
"""How long it waits before it looks again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Says whether it is worth to try again, once it is."""

    runs: Runs

    async def is_free(self, thread: ThreadKeys) -> bool:
        """Whether a thread that was busy takes a turn now: its run is over, or was stopped and has ended since."""
        run_id = await self.runs.leases.running(thread)
        if run_id is None:
            return True
        if not await self.runs.stops.is_asked(thread.owner, run_id):
            return False
        async for _ in _moments():
            if await self.runs.leases.running(thread) != run_id:
                return True
        return False

    async def is_gone(self, lease: Lease, own_name: str) -> bool:
        """Whether a run that a request repeats is none to follow: it was refused, or its user has stopped it.

        Who says the same again after a stop, under another name, means it again. A run that has said something is not
        refused any more.
        """
        stops, log = self.runs.stops, self.runs.log
        is_stopped = lease.run_id != own_name and await stops.is_asked(lease.thread.owner, lease.run_id)
        async for _ in _moments():
            if end := await self.runs.leases.is_over(lease):
                return is_stopped or end == "void" or (end == "broken" and await self._gave_way(lease))
            if not is_stopped and (log is None or await log.has_begun(lease)):
                return False
        return False

    async def _gave_way(self, lease: Lease) -> bool:
        """Whether another run has come after one that said nothing."""
        log, latest = self.runs.log, await self.runs.leases.last(lease.thread)
        is_latest = latest is not None and latest.generation == lease.generation
        return not is_latest and log is not None and not await log.has_begun(lease)


async def _moments() -> AsyncIterator[None]:
    """At once, and then every moment until it takes too long."""
    yield
    for _ in range(round(LONGEST_SECONDS / MOMENT_SECONDS)):
        await asyncio.sleep(MOMENT_SECONDS)
        yield
