"""Legal hold: nothing of a user's expires, is deleted or erased until it is lifted.

The user's row comes first, where no erasure runs, so that new threads and records are written held. Then every thread
and every record gets its stamp, after which all that is written below or in it is without an expiry and nothing of it
can be deleted. What was below threads before loses its expiry last. What had been deleted or had expired is not brought
back. A user has one hold, the first.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from chatkit_aws.records.keys import RECORD
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


async def place(storage: Storage, account: Account, reason: str, actor: str) -> dict[str, int]:
    """Put a user under hold; counts what lost its expiry. After it was cut off, the same again completes it.

    Raises ErasureRunning, HoldLifted, StoreUnavailable, StoreRefused.
    """
    placing = _Placing(storage, account.owner, Counter(threads=0, rows=0))
    await placing.begin(reason, actor)
    await placing.stamp()
    await placing.keep_rows()
    await placing.complete()
    return dict(placing.counts)


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

    async def stamp(self) -> None:
        for kind, name in ((keys.THREAD, "threads"), (RECORD, "records")):
            await each_of_pages(self.storage.bulk.rows(self.owner.partition, kind), partial(self._stamp, name))

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

    async def _stamp(self, name: str, row: Attributes) -> None:
        change = "SET held_since = if_not_exists(held_since, :now) REMOVE expires_at"
        if await self._changed(key_of(row), change, {":now": {"N": str(self.storage.table.writes.now)}}):
            self.counts[name] += 1

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
