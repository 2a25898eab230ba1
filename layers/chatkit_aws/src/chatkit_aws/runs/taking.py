"""Taking the lease of a thread for a run: one conditional update, which raises the generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.runs import run_row
from chatkit_aws.runs.claim import Busy, NameTaken, Repeated
from chatkit_aws.runs.names import KEPT_SECONDS
from chatkit_aws.runs.run_row import LEASE_SECONDS, REPEAT_SECONDS
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.rows import Row, values_of
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT

if TYPE_CHECKING:
    from chatkit_aws.runs.claim import Claim
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.table import Table
    from chatkit_aws.store.writes import Values

CLOCKS_SECONDS = 1
"""By how much the clocks of two processes may differ, and the fractions that whole seconds leave out."""

_OVER = "(attribute_exists(ended) OR lease_until <= :now)"
_NO_REPETITION = "(ended = :clean OR digest <> :digest OR lease_until <= :too_old)"
_FREE = f"{ABSENT} OR ended = :void OR (run_id <> :run_id AND {_OVER})"
_FREE_AND_NO_REPETITION = f"{ABSENT} OR ended = :void OR (run_id <> :run_id AND {_OVER} AND {_NO_REPETITION})"
_TAKE = (
    "SET run_id = :run_id, digest = :digest, nonce = :nonce, lease_until = :until,"
    " expires_at = :expires_at REMOVE ended, ended_at, run_generation ADD generation :one"
)


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes the leases of threads that may have had runs; raises StoreUnavailable, StoreRefused."""

    table: Table

    async def begin(self, thread: ThreadKeys, claim: Claim) -> Lease:
        """The lease of a thread that has no run now. Raises Busy, Repeated, NameTaken."""
        asked_at, row = self.table.writes.now, run_row.new(thread, claim, self.table.writes.now)
        values: Values = {**_values(row), **self._times(), ":one": {"N": "1"}, ":void": {"S": "void"}}
        condition, too_old = _FREE, str(asked_at - REPEAT_SECONDS)
        if not claim.is_named:
            condition = _FREE_AND_NO_REPETITION
            values = {**values, ":clean": {"S": "clean"}, ":too_old": {"N": too_old}}
        try:
            before = await self.table.replace(self.table.writes.update(row.key, _TAKE, condition, values))
        except ConditionFailed as failed:
            return self._met(thread, claim, row, failed)
        generation = (before.generation or 0) + 1 if before else run_row.FIRST
        return Lease(thread, claim.run_id, generation, claim.named_digest, before, _wrote_since(before, asked_at))

    def _met(self, thread: ThreadKeys, claim: Claim, row: Row, failed: ConditionFailed) -> Lease:
        """What it means that the lease could not be taken."""
        met = failed.rows[0]
        if not met or met.run_id is None or met.generation is None:
            raise Busy
        if met.nonce == row.nonce:  # it was taken, and the answer to that was lost
            return Lease(thread, claim.run_id, met.generation, claim.named_digest, others_wrote=True)
        if claim.digest == met.digest:
            raise Repeated(Lease(thread, met.run_id, run_row.generation_of(met)))
        raise NameTaken if claim.run_id == met.run_id else Busy

    def _times(self) -> Values:
        now = self.table.writes.now
        times = {":until": now + LEASE_SECONDS, ":expires_at": now + KEPT_SECONDS}
        return {name: {"N": str(when)} for name, when in times.items()}


def _values(row: Row) -> Values:
    return {f":{name}": values_of(row)[name] for name in ("run_id", "digest", "nonce")}


def _wrote_since(before: Row | None, asked_at: int) -> bool:
    """Whether the run before may have written then: one that was killed, and goes on, does so until it is replaced."""
    return before is not None and (before.ended_at is None or before.ended_at + CLOCKS_SECONDS >= asked_at)
