"""What a run has said so far, for those who come later: its events in batches, a row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError
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

    Rows are read in their order, and a run writes one after the other: where a number is missing, it was there.
    """

    table: Table
    bodies: Bodies
    seconds: int = 15 * 60

    async def append(self, lease: Lease, first: int, data: bytes) -> int:
        """Write bytes behind batch number `first` - 1; the number of the next batch."""
        for start in range(0, len(data), MAX_BATCH_BYTES):
            key = lease.thread.batch(lease.generation, first)
            body = await self.bodies.close(data[start : start + MAX_BATCH_BYTES], _scope(lease), key)
            expires_at = self.table.writes.now + LONGEST_SECONDS + self.seconds
            await self.table.write(self.table.writes.put(Row(key, body=body, expires_at=expires_at)))
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


_BATCHES = 1_000
"""Rows that are read at once; what is left is there the next time."""


def _number(row: Row) -> int:
    return int(row.key.sk.rpartition("#")[2])


def _scope(lease: Lease) -> Scope:
    return Scope(lease.thread.owner.tenant_id, lease.thread.thread_id)
