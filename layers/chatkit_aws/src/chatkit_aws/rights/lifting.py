"""Lifting a legal hold: everything expires again as retention says.

The user's row goes first, so that new threads and records are written free. Then records lose their stamp and get their
expiry. Then, thread by thread, the rows below get theirs and the thread loses its stamp. A thread keeps its stamp until
then, so that lifting goes on where it was cut off. Every change requires that there is no hold: one that is placed
meanwhile stops the lifting, and puts all back.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from itertools import batched
from typing import TYPE_CHECKING

from chatkit_aws.records.keys import RECORD
from chatkit_aws.rights.errors import HoldPlaced
from chatkit_aws.rights.holds import BELOW
from chatkit_aws.rights.parallel import each
from chatkit_aws.store import keys
from chatkit_aws.store.bulk import key_of
from chatkit_aws.store.retention import UNATTACHED, Retention
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.rights.storage import Account, Storage
    from chatkit_aws.store.bulk import Attributes
    from chatkit_aws.store.keys import Key, Owner, ThreadKeys

_log = logging.getLogger(__name__)

_TOGETHER = 10
"""Rows in a transaction: with the largest that a row can be, it stays below DynamoDB's 4 MB for a transaction."""
_AT_ONCE = 4
_WITHOUT_EXPIRY = "attribute_exists(pk) AND attribute_not_exists(expires_at)"
_THREAD = ("pk", "sk", "by_time", "held_since")
_RECORD = ("pk", "sk", "keep_days", "held_since")


async def lift(storage: Storage, account: Account) -> dict[str, int]:
    """End a user's hold; counts what has an expiry again, and the threads that expire at once.

    `storage.retention` says when; it must be the deployment's. Raises HoldPlaced, StoreUnavailable, StoreRefused.
    """
    owner = account.owner
    lifting = _Lifting(storage, owner, Counter(threads=0, rows=0))
    await storage.table.write(storage.table.writes.delete(owner.hold))
    await lifting.free_records()
    async for page in storage.bulk.rows(owner.partition, keys.THREAD, attributes=_THREAD):
        for row in page:
            if "held_since" in row:
                await lifting.free(row)
        _log.info("threads=%d rows=%d | lifting", lifting.counts["threads"], lifting.counts["rows"])
    await lifting.free_attachments()
    return dict(lifting.counts)


@dataclass(frozen=True, slots=True)
class _Lifting:
    storage: Storage
    owner: Owner
    counts: Counter[str]

    async def free(self, row: Attributes) -> None:
        """Free a thread. What is written below it until it is free has no expiry, and gets one after."""
        thread = self.owner.thread(keys.id_of(row["sk"]["S"]))
        await self._below(thread)
        created_at = keys.created_at_of(row["by_time"]["S"]).replace(tzinfo=UTC).timestamp()
        now = self.storage.table.writes.now
        expires_at = self.storage.retention.of_thread(now, created_at)
        if await self._set([thread.row], expires_at, "attribute_exists(held_since)", "REMOVE held_since"):
            self.counts["threads"] += 1
            self.counts["threads_expired"] += expires_at is not None and expires_at <= now
        await self._below(thread)

    async def free_records(self) -> None:
        """Free the records, which expire as those that are changed now; one that is gone meanwhile is no matter."""

        async def free(row: Attributes) -> None:
            expires_at = Retention(int(row["keep_days"]["N"])).of_thread(self._now, self._now)
            if await self._set([key_of(row)], expires_at, "attribute_exists(held_since)", "REMOVE held_since"):
                self.counts["records"] += 1

        async for page in self.storage.bulk.rows(self.owner.partition, RECORD, attributes=_RECORD):
            await each((row for row in page if "held_since" in row), free, _AT_ONCE)

    async def free_attachments(self) -> None:
        """Those that no message refers to go a day later."""
        pages = self.storage.bulk.rows(self.owner.partition, keys.ATTACHMENT, attributes=("pk", "sk", "thread"))
        async for page in pages:
            await self._expire((key_of(row) for row in page if "thread" not in row), self._now + UNATTACHED)

    async def _below(self, thread: ThreadKeys) -> None:
        expires_at = self.storage.retention.of_item(self._now)
        if expires_at is None:
            return
        async for page in self.storage.bulk.rows(thread.partition, attributes=("pk", "sk", "expires_at")):
            rows = [key_of(row) for row in page if "expires_at" not in row]
            files = [self.owner.attachment(keys.id_of(key.sk)) for key in rows if key.sk.startswith(keys.ATTACHED)]
            await self._expire(files, expires_at)  # before the rows that name them
            await self._expire((key for key in rows if key.sk.startswith(BELOW)), expires_at)

    async def _expire(self, rows: Iterable[Key], expires_at: int) -> None:
        """Give an expiry to rows that have none."""

        async def together(some: tuple[Key, ...]) -> None:
            if await self._set(some, expires_at, _WITHOUT_EXPIRY):
                self.counts["rows"] += len(some)
            elif len(some) > 1:
                for key in some:
                    await together((key,))

        await each(batched(rows, _TOGETHER, strict=False), together, _AT_ONCE)

    async def _set(self, rows: Iterable[Key], expires_at: int | None, condition: str, change: str = "") -> bool:
        """Change all rows, if each meets the condition and there is no hold. Raises HoldPlaced."""
        writes = self.storage.table.writes
        values = {} if expires_at is None else {":expires_at": {"N": str(expires_at)}}
        change = f"{'SET expires_at = :expires_at' if values else ''} {change}".strip()
        parts: list[TransactWriteItemTypeDef] = [writes.check(self.owner.hold, ABSENT)]
        parts += [writes.update(key, change, condition, values) for key in rows]  # type: ignore[arg-type]
        try:
            await self.storage.table.transact(*parts)
        except ConditionFailed as failed:
            if failed.rows[0] is not False:
                raise HoldPlaced from None
            return False
        return True

    @property
    def _now(self) -> int:
        return self.storage.table.writes.now
