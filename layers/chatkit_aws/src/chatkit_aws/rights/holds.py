"""Legal hold: nothing of a user's expires, is deleted or erased until it is lifted.

The user's row comes first, where no erasure runs, so that new threads are written held. Then every thread gets its
stamp, after which all that is written below it is without an expiry and nothing of it can be deleted. What was there
before loses its expiry last. What had been deleted or had expired is not brought back. A user has one hold, the first.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.rights import erasing
from chatkit_aws.rights.errors import ErasureRunning, HoldLifted
from chatkit_aws.rights.parallel import each, each_of_pages
from chatkit_aws.store import keys
from chatkit_aws.store.bulk import key_of
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ANY, GONE, LIVE, PRESENT

if TYPE_CHECKING:
    from chatkit_aws.rights.storage import Account, Storage
    from chatkit_aws.store.bulk import Attributes
    from chatkit_aws.store.keys import Key, Owner

_log = logging.getLogger(__name__)

BELOW = (keys.ITEM, keys.PLACE, keys.FEEDBACK, keys.ATTACHED)
"""Kinds of rows below a thread that are kept; what a running answer needs for itself goes on expiring."""
_THREADS = 2
_AND_EXPIRY = ("pk", "sk", "expires_at")


@dataclass(frozen=True, slots=True)
class HoldState:
    """A user's hold; `is_complete` is whether it was placed to the end: what was written before it is covered, too.

    `threads` are under hold and `free_threads` are not: a complete hold leaves none of these, and without a hold there
    are held threads only where lifting it was cut off.
    """

    is_placed: bool
    is_complete: bool
    placed_at: int | None
    reason: str | None
    actor: str | None
    threads: int
    free_threads: int


async def place(storage: Storage, account: Account, reason: str, actor: str) -> dict[str, int]:
    """Put a user under hold; counts what lost its expiry. After it was cut off, the same again completes it.

    Raises ErasureRunning, HoldLifted, StoreUnavailable, StoreRefused.
    """
    placing = _Placing(storage, account.owner, Counter(threads=0, rows=0))
    await placing.begin(reason, actor)
    await placing.stamp_threads()
    await placing.keep_rows()
    await placing.complete()
    return dict(placing.counts)


async def state(storage: Storage, account: Account) -> HoldState:
    """Whether a user is under hold, since when and why. Raises StoreUnavailable, StoreRefused."""
    owner, wanted = account.owner, ("placed_at", "completed_at", "reason", "actor")
    rows = [row async for page in storage.bulk.rows(owner.partition, keys.HOLD, attributes=wanted) for row in page]
    row = rows[0] if rows else {}
    threads = Counter[bool]()
    async for page in storage.bulk.rows(owner.partition, keys.THREAD, attributes=("pk", "held_since", "expires_at")):
        live = [found for found in page if float(found.get("expires_at", {"N": "inf"})["N"]) > storage.table.writes.now]
        threads.update("held_since" in found for found in live)
    return HoldState(
        is_placed=bool(rows),
        is_complete="completed_at" in row,
        placed_at=int(row["placed_at"]["N"]) if rows else None,
        reason=row["reason"]["S"] if rows else None,
        actor=row["actor"]["S"] if rows else None,
        threads=threads[True],
        free_threads=threads[False],
    )


@dataclass(frozen=True, slots=True)
class _Placing:
    storage: Storage
    owner: Owner
    counts: Counter[str]

    async def begin(self, reason: str, actor: str) -> None:
        change = ", ".join(f"{name} = if_not_exists({name}, :{name})" for name in ("placed_at", "reason", "actor"))
        writes = self.storage.table.writes
        values: Attributes = {":placed_at": {"N": str(writes.now)}, ":reason": {"S": reason}, ":actor": {"S": actor}}
        hold = writes.update(self.owner.hold, f"SET {change}", ANY, values)
        try:
            await self.storage.table.transact(hold, writes.delete(erasing.row_of(self.owner), GONE))
        except ConditionFailed:
            raise ErasureRunning from None

    async def stamp_threads(self) -> None:
        await each_of_pages(self.storage.bulk.rows(self.owner.partition, keys.THREAD), self._stamp)

    async def keep_rows(self) -> None:
        rows = self.storage.bulk.rows(self.owner.partition, keys.THREAD, attributes=("sk", "held_since"))
        async for page in rows:
            names = [keys.id_of(row["sk"]["S"]) for row in page if "held_since" in row]
            await each(names, self._keep_below, _THREADS)
            _log.info("threads=%d rows=%d | holding", self.counts["threads"], self.counts["rows"])
        files = self.storage.bulk.rows(self.owner.partition, keys.ATTACHMENT, attributes=(*_AND_EXPIRY, "thread"))
        await each_of_pages(files, self._keep_attachment)

    async def complete(self) -> None:
        writes, change = self.storage.table.writes, "SET completed_at = if_not_exists(completed_at, :now)"
        values: Attributes = {":now": {"N": str(writes.now)}}
        try:
            await self.storage.table.write(writes.update(self.owner.hold, change, PRESENT, values))
        except ConditionFailed:
            raise HoldLifted from None

    async def _stamp(self, row: Attributes) -> None:
        change, now = (
            "SET held_since = if_not_exists(held_since, :now) REMOVE expires_at",
            self.storage.table.writes.now,
        )
        if await self._changed(key_of(row), change, {":now": {"N": str(now)}}):
            self.counts["threads"] += 1

    async def _keep_below(self, thread_id: str) -> None:
        async for page in self.storage.bulk.rows(self.owner.thread(thread_id).partition, attributes=_AND_EXPIRY):
            await each([row for row in page if key_of(row).sk.startswith(BELOW)], self._keep)

    async def _keep_attachment(self, row: Attributes) -> None:
        """Keep an attachment, unless it goes with a thread that was deleted or has expired."""
        thread = self.owner.thread(keys.unescape(row["thread"]["S"])) if "thread" in row else None
        if thread is None or await self.storage.table.get(thread.row) is not None:
            await self._keep(row)

    async def _keep(self, row: Attributes) -> None:
        if "expires_at" in row and await self._changed(key_of(row), "REMOVE expires_at", {}):
            self.counts["rows"] += 1

    async def _changed(self, key: Key, change: str, values: Attributes) -> bool:
        """Change a row that is there and has not expired."""
        try:
            await self.storage.table.write(self.storage.table.writes.update(key, change, LIVE, values))
        except ConditionFailed:
            return False
        return True
