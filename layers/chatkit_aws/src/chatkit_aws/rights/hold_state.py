"""Whether a user is under legal hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.records.keys import RECORD
from chatkit_aws.store import keys

if TYPE_CHECKING:
    from chatkit_aws.rights.storage import Account, Storage
    from chatkit_aws.store.keys import Owner


@dataclass(frozen=True, slots=True)
class HoldState:
    """A user's hold; `is_complete` is whether it was placed to the end: what was written before it is covered, too.

    `threads` are under hold and `free_threads` are not: a complete hold leaves none of these, and without a hold there
    are held threads only where lifting it was cut off. So it is with records.
    """

    is_placed: bool
    is_complete: bool
    placed_at: int | None
    reason: str | None
    actor: str | None
    threads: int
    free_threads: int
    records: int
    free_records: int


async def state(storage: Storage, account: Account) -> HoldState:
    """Whether a user is under hold, since when and why. Raises StoreUnavailable, StoreRefused."""
    owner, wanted = account.owner, ("placed_at", "completed_at", "reason", "actor")
    rows = [row async for page in storage.bulk.rows(owner.partition, keys.HOLD, attributes=wanted) for row in page]
    row = rows[0] if rows else {}
    threads, records = await _held(storage, owner, keys.THREAD), await _held(storage, owner, RECORD)
    return HoldState(
        is_placed=bool(rows),
        is_complete="completed_at" in row,
        placed_at=int(row["placed_at"]["N"]) if rows else None,
        reason=row["reason"]["S"] if rows else None,
        actor=row["actor"]["S"] if rows else None,
        threads=threads[True],
        free_threads=threads[False],
        records=records[True],
        free_records=records[False],
    )


async def _held(storage: Storage, owner: Owner, kind: str) -> Counter[bool]:
    """How many rows of a kind are under hold, and how many are not."""
    found = Counter[bool]()
    async for page in storage.bulk.rows(owner.partition, kind, attributes=("pk", "held_since", "expires_at")):
        live = [row for row in page if float(row.get("expires_at", {"N": "inf"})["N"]) > storage.table.writes.now]
        found.update("held_since" in row for row in live)
    return found
