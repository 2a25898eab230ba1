"""The first run of a thread that is about to be created: one for a request however often it comes.

The thread has no id before, so a row of the user's says which run the request has begun, and in which thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatkit_aws.runs import run_row
from chatkit_aws.runs.claim import Repeated
from chatkit_aws.runs.names import KEPT_SECONDS
from chatkit_aws.store import keys
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT

if TYPE_CHECKING:
    from chatkit_aws.runs.claim import Claim
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.table import Table
    from chatkit_aws.store.writes import Values


@dataclass(frozen=True, slots=True)
class Creations:
    """Gives new threads their first lease. All raise StoreUnavailable, StoreRefused."""

    table: Table

    async def begin(self, thread: ThreadKeys, claim: Claim) -> Lease:
        """The lease of a thread to be. Raises Repeated, with the thread that there is instead."""
        condition = f"{ABSENT} OR expires_at <= :now"
        values: Values = {}
        while True:
            try:
                return await self._create(thread, claim, condition, values)
            except ConditionFailed as failed:
                met = failed.rows[0]
            if met and met.run_id and met.thread:
                earlier = Lease(thread.owner.thread(keys.unescape(met.thread)), met.run_id, run_row.FIRST)
                if await self._is_repeated(earlier, claim):
                    raise Repeated(earlier)
                condition, values = "run_id = :met", {":met": {"S": met.run_id}}

    async def _create(self, thread: ThreadKeys, claim: Claim, condition: str, values: Values) -> Lease:
        writes, row = self.table.writes, run_row.new(thread, claim, self.table.writes.now)
        mark = Row(thread.owner.repeat(claim.digest), run_id=claim.run_id, thread=thread.escaped)
        mark = replace(mark, expires_at=writes.now + KEPT_SECONDS)
        await self.table.transact(
            writes.put(mark, condition, values), writes.put(replace(row, generation=run_row.FIRST))
        )
        return Lease(thread, claim.run_id, run_row.FIRST, claim.named_digest)

    async def _is_repeated(self, earlier: Lease, claim: Claim) -> bool:
        """Whether a request to create a thread repeats the earlier one, as `take` would decide it."""
        now, row = self.table.writes.now, await self.table.get(earlier.thread.run)
        if row is None or row.ended == "void":
            return False
        if claim.run_id == earlier.run_id:
            return True
        if run_row.generation_of(row) != run_row.FIRST or row.ended == "clean":
            return False
        return not run_row.is_over(row, now) or not (
            claim.is_named or (row.lease_until or 0) <= now - run_row.REPEAT_SECONDS
        )
