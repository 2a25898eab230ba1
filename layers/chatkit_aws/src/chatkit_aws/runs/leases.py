"""One run at a time in a thread, and one run for a request however often it comes.

A thread has one row that says which run it has, or had last. Taking it is one conditional update: it raises the
generation, which every write of the run requires. The lease is short and is renewed while the run goes on, so that a
run whose process was killed is in nobody's way for long. A run that comes to nothing gives the row back as it was, but
for the generation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from chatkit_aws.errors import LeaseLost
from chatkit_aws.runs import run_row
from chatkit_aws.runs.claim import Repeated
from chatkit_aws.runs.creations import Creations
from chatkit_aws.runs.names import Names
from chatkit_aws.runs.run_row import LEASE_SECONDS
from chatkit_aws.runs.taking import Taking
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.rows import values_of
from chatkit_aws.store.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chatkit_aws.runs.claim import Claim
    from chatkit_aws.runs.names import End
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.table import Table
    from chatkit_aws.store.writes import Values

_END = "SET ended = :ended, ended_at = :now"
_GIVE_BACK = f"{_END}, run_id = :run_id, digest = :digest, lease_until = :lease_until, run_generation = :run_generation"
_MINE = "generation = :generation"


@dataclass(frozen=True, slots=True)
class Leases:
    """Takes, renews and ends the leases of threads. All raise StoreUnavailable, StoreRefused."""

    table: Table

    async def take(self, thread: ThreadKeys, claim: Claim) -> Lease:
        """The lease of a thread, whether or not there is such a thread. Raises Busy, Repeated, NameTaken."""
        return await self._unless_known(Taking(self.table).begin(thread, claim), thread, claim)

    async def create(self, thread: ThreadKeys, claim: Claim) -> Lease:
        """The lease of a thread that is about to be created. Raises Repeated, with the thread that there is instead."""
        return await self._unless_known(Creations(self.table).begin(thread, claim), thread, claim)

    async def renew(self, lease: Lease) -> None:
        """Keep the lease for another while. Raises LeaseLost."""
        writes = self.table.writes
        values: Values = {**_generation(lease), ":until": {"N": str(writes.now + LEASE_SECONDS)}}
        try:
            await self.table.write(writes.update(lease.thread.run, "SET lease_until = :until", _MINE, values))
        except ConditionFailed:
            raise LeaseLost from None

    async def end(self, lease: Lease, how: End) -> None:
        """Let the next run begin; nothing happens where it has."""
        values: Values = {**_generation(lease), ":ended": {"S": how}, ":now": {"N": str(self.table.writes.now)}}
        change, before = _END, lease.before
        if how == "void" and before is not None and before.ended != "void":
            change = _GIVE_BACK
            known = replace(before, ended=before.ended or "broken", run_generation=run_row.generation_of(before))
            names = ("run_id", "digest", "lease_until", "run_generation", "ended")
            values = {**values, **{f":{name}": values_of(known)[name] for name in names}}
        try:
            await self.table.write(self.table.writes.update(lease.thread.run, change, _MINE, values))
        except ConditionFailed:
            return

    async def keep_names(self, lease: Lease, how: End) -> None:
        """Know a run by the name that its client gave it also when others came after it; to be done before its end.

        The same for the run before it, where that was killed and could not do so.
        """
        before = lease.before
        if how != "void" and before is not None and before.ended is None and before.run_id and before.digest:
            killed = Lease(lease.thread, before.run_id, run_row.generation_of(before))
            await self._names.keep(killed, before.digest, "broken")
        if how != "void" and lease.digest is not None:
            await self._names.keep(lease, lease.digest, how)

    async def running(self, thread: ThreadKeys) -> str | None:
        """The run that answers in a thread now."""
        row = await self.table.get(thread.run)
        return row.run_id if row and not run_row.is_over(row, self.table.writes.now) else None

    async def last(self, thread: ThreadKeys) -> Lease | None:
        """The lease of the run that answers in a thread, or did last, for a day; not for the caller to write with.

        None also where that one was refused before it said anything.
        """
        row = await self.table.get(thread.run)
        return (
            Lease(thread, row.run_id, run_row.generation_of(row))
            if row and row.run_id and row.ended != "void"
            else None
        )

    async def is_over(self, lease: Lease) -> End | Literal[False]:
        """How the run ended, and False while it goes on; one that was killed or replaced is broken."""
        row = await self.table.get(lease.thread.run)
        if row is not None and run_row.generation_of(row) == lease.generation:
            if not run_row.is_over(row, self.table.writes.now):
                return False
            return "broken" if row.ended is None else cast("End", row.ended)
        if row is not None and row.generation == lease.generation:
            return "void"
        return await self._names.end_of(lease) or "broken"

    async def _unless_known(self, taking: Coroutine[None, None, Lease], thread: ThreadKeys, claim: Claim) -> Lease:
        """The lease, unless the client has named a run so that is over, which is asked at the same time.

        Raises as taking it does, Repeated, and NameTaken.
        """
        lease, known = await asyncio.gather(taking, self._names.known(thread, claim), return_exceptions=True)
        if isinstance(lease, Lease) and lease.others_wrote and known is None:
            [known] = await asyncio.gather(self._names.known(thread, claim), return_exceptions=True)
        if isinstance(lease, BaseException):
            raise Repeated(known) if isinstance(known, Lease) else lease
        if known is None:
            return lease
        await self.end(lease, "void")
        raise Repeated(known) if isinstance(known, Lease) else known

    @property
    def _names(self) -> Names:
        return Names(self.table)


def _generation(lease: Lease) -> Values:
    return {":generation": {"N": str(lease.generation)}}
