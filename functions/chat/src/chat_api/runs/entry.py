"""How a turn begins: with its thread's lease and with what it may take, both asked for at once."""

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass

from chat_api.runs.spending import Spending
from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.runs import Leases
from chatkit_aws.runs.run_row import LEASE_SECONDS
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.usage import Admission, Meter, QuotaReached

logger = logging.getLogger(__name__)

WAITS_SECONDS = (0.2, 0.4)
"""How long what is not needed may be held before it is given back; twice, as many may ask at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn's lease, which is being taken, and its account, which is open once it is."""

    lease: Taking
    spending: Spending


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets turns in: one at a time in a thread, and as many as the quotas allow."""

    leases: Leases
    meter: Meter

    async def enter(self, taking: Coroutine[None, None, Lease], owner: Owner, spending: Spending) -> Lease:
        """The lease, once both are had; neither where one is refused. Raises Busy, Repeated, QuotaReached.

        Both at once, so that the model waits no longer. A request that repeats another is told so, and counts not.
        """
        lease, admission = await asyncio.gather(taking, self._admission(owner), return_exceptions=True)
        for seconds in WAITS_SECONDS:
            if isinstance(lease, Lease) and isinstance(admission, QuotaReached):
                # Repetitions of this very request may have had the last places for a moment.
                await asyncio.sleep(seconds)
                [admission] = await asyncio.gather(self._admission(owner), return_exceptions=True)
        if isinstance(admission, Admission):
            spending.admission = admission
        if isinstance(lease, BaseException):
            await spending.settle()
            raise lease
        if isinstance(admission, BaseException):
            await self._give_back(lease)
            raise admission
        return lease

    async def _give_back(self, lease: Lease) -> None:
        """Let others have the thread; the refusal is what the caller is told, whatever comes of this."""
        try:
            await self.leases.end(lease, "void")
        except (StoreUnavailable, StoreRefused) as error:
            logger.warning("a lease could not be given back, and lapses: %s", error)

    async def _admission(self, owner: Owner) -> Admission:
        return await self.meter.admit(owner, uuid.uuid4().hex, int(time.time()) + LEASE_SECONDS)
