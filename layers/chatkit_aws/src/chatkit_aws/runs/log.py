"""What a run has said so far, for those who come later: its events in batches, a row each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError, LeaseLost, ThreadNotFound
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.lease import Lease
    from chatkit_aws.store.table import Table

MAX_BATCH_BYTES = 128 * 1024
"""Bytes of events in a row, before they are packed: what does not pack at all still fits."""
LONGEST_SECONDS = 15 * 60
"""The longest that a run may last: Lambda's own limit. No batch expires within that time, so that who reads a run that
goes on has its beginning."""


class Forgotten(ChatKitAwsError):
    """Batches that are to be read have expired or been removed, and there are later ones."""


@dataclass(frozen=True, slots=True)
class EventLog:
    """Keeps the bytes of a run's stream for `seconds` after its end. All raise StoreUnavailable, StoreRefused.

    Like all that is below a thread they are written only while it is there, and within the run's lease. Rows are read
    in their order, and a run writes one after the other: where a number is missing, it was there.
    """

    table: Table
    bodies: Bodies
    seconds: int = 15 * 60

    async def append(self, lease: Lease, first: int, data: bytes) -> int:
        """Write bytes behind batch number `first` - 1; the number of the next batch.

        Raises LeaseLost, and ThreadNotFound for a thread that was deleted or has expired: what goes with it must find
        nothing of it any more.
        """
        for start in range(0, len(data), MAX_BATCH_BYTES):
            key = lease.thread.batch(lease.generation, first)
            body = await self.bodies.close(data[start : start + MAX_BATCH_BYTES], _scope(lease), key)
            expires_at = self.table.writes.now + LONGEST_SECONDS + self.seconds
            await self._write(lease, Row(key, body=body, expires_at=expires_at))
            first += 1
        return first

    async def read(self, lease: Lease, first: int) -> tuple[bytes, int]:
        """The bytes from batch number `first` on, as far as they are written, and the number of the next batch.

        Raises Forgotten.
        """
        thread = lease.thread
        start = Row(thread.batch(lease.generation, first - 1)) if first else None
        rows = await self.table.query(
            Span(thread.partition, thread.events(lease.generation)), _BATCHES, forward=True, start=start
        )
        if [_number(row) for row in rows] != list(range(first, first + len(rows))):
            raise Forgotten
        parts = [await self.bodies.open(row.body or b"", _scope(lease), row.key) for row in rows]
        return b"".join(parts), first + len(rows)

    async def has_begun(self, lease: Lease) -> bool:
        """Whether any of what the run said is there."""
        span = Span(lease.thread.partition, lease.thread.events(lease.generation))
        return bool(await self.table.query(span, 1, forward=True))

    async def _write(self, lease: Lease, row: Row) -> None:
        """Write where the thread and the lease were there a moment ago.

        A condition on them would take a transaction, six times the write units of the row. What is written in the
        moment between goes with the rest: cleanup begins later, and reads what there is.
        """
        thread, run = await asyncio.gather(self.table.get(lease.thread.row), self.table.get(lease.thread.run))
        if thread is None:
            raise ThreadNotFound(lease.thread.thread_id)
        if run is None or run.generation != lease.generation:
            raise LeaseLost
        await self.table.write(self.table.writes.put(row))


_BATCHES = 1_000
"""Rows that are read at once; what is left is there the next time."""


def _number(row: Row) -> int:
    return int(row.key.sk.rpartition("#")[2])


def _scope(lease: Lease) -> Scope:
    return Scope(lease.thread.owner.tenant_id, lease.thread.thread_id)
