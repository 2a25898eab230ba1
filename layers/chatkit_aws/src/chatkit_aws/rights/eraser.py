"""The steps of an erasure."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import Held
from chatkit_aws.records.keys import RECORD
from chatkit_aws.rights.kinds import ERASURE, kind_of
from chatkit_aws.rights.parallel import each, each_of_pages
from chatkit_aws.rights.scanning import partitions_of
from chatkit_aws.store import keys, object_names
from chatkit_aws.store.bulk import key_of
from chatkit_aws.store.retention import INTENT

if TYPE_CHECKING:
    from chatkit_aws.rights.kinds import Tally
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.bulk import Attributes
    from chatkit_aws.store.keys import Key, Owner

_log = logging.getLogger(__name__)

_LAST = (keys.THREAD, keys.DELETED, keys.INTENT, keys.HOLD, ERASURE)
"""Not removed with the rest: a thread that has come back, the marks, intents, the row that says that this runs."""
WRITING = 600
"""Seconds that an answer may still be running: so long an intent stays, as the object may yet be put that it names."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Removes what a user has, whatever is left of it. All raise Held, StoreUnavailable, StoreRefused."""

    storage: Storage
    owner: Owner
    tally: Tally

    async def refuse_if_held(self) -> None:
        """Raises Held for a user, or a single thread or record, under legal hold."""
        if await self.storage.table.get(self.owner.hold) is not None:
            raise Held
        for kind in (keys.THREAD, RECORD):
            rows = self.storage.bulk.rows(self.owner.partition, kind, attributes=("pk", "sk", "held_since"))
            async for page in rows:
                if any("held_since" in row for row in page):
                    raise Held

    async def remove(self) -> None:
        """Everything but the marks, in an order in which nothing is forgotten whenever it ends."""
        bulk, partition = self.storage.bulk, self.owner.partition
        await each_of_pages(bulk.rows(partition, keys.THREAD), self._thread)
        await each_of_pages(bulk.rows(partition, keys.DELETED), self._deleted)
        await each_of_pages(bulk.rows(partition, keys.ATTACHMENT, attributes=("pk", "sk", "thread")), self._attachment)
        await each_of_pages(bulk.rows(partition, keys.INTENT, attributes=("item_pk",)), self._intent)
        if self.storage.objects is not None:
            await self.storage.objects.delete_below(object_names.items_of_user(self.owner))
            await self.storage.objects.delete_below(object_names.attachments_of_user(self.owner))
        async for page in bulk.rows(partition):
            await bulk.delete(key for key in map(key_of, page) if not key.sk.startswith(_LAST))
        _log.info("rows=%d objects=%d | erasing", self.tally.rows.total(), self.tally.objects.total())

    async def has_marks(self) -> bool:
        """Whether there are marks of deleted threads, or intents."""
        kinds = (keys.DELETED, keys.INTENT)
        return not all([await self._is_empty(self.owner.partition, kind) for kind in kinds])

    async def remove_marks(self) -> None:
        """The intents of writes that have ended, after what they name, and the marks of threads that are empty."""
        bulk, wanted = self.storage.bulk, ("pk", "sk", "expires_at")
        async for page in bulk.rows(self.owner.partition, keys.INTENT, attributes=wanted):
            ended = [key_of(row) for row in page if self._has_ended(row)]
            if ended and self.storage.objects is not None:
                await self.storage.objects.delete_below(object_names.items_of_user(self.owner))
            await bulk.delete(ended)
        async for page in bulk.rows(self.owner.partition, keys.DELETED):
            done: list[Key] = []
            await each(page, lambda row: self._check(row, done))  # noqa: B023 - it is called within the loop
            await bulk.delete(done)

    async def left(self) -> Counter[str]:
        """What there is in the user's partition and below their prefixes, by kind."""
        found: Counter[str] = Counter()
        async for page in self.storage.bulk.rows(self.owner.partition):
            found.update(kind_of(key) for key in map(key_of, page) if key.sk != ERASURE)
        for prefix in (object_names.items_of_user(self.owner), object_names.attachments_of_user(self.owner)):
            if self.storage.files is not None:
                found["objects"] += len([file async for file in self.storage.files.below(prefix)])
        return +found

    async def scan(self) -> int:
        """Remove the rows of the user's that only a look at the whole table finds; says how many there were."""
        count = 0
        async for found in partitions_of(self.storage, self.owner.partition):
            rows = [key for key in found if not key.sk.startswith(_LAST)]
            count += await self.storage.bulk.delete(rows)
        return count

    async def _thread(self, row: Attributes) -> None:
        """Delete a thread, also one that has expired; its mark stays. Raises Held."""
        await self.storage.kinds.threads.delete(self.owner.thread(keys.id_of(key_of(row).sk)))
        self.tally.rows["threads"] += 1

    async def _deleted(self, mark: Attributes) -> None:
        await self._below(keys.id_of(key_of(mark).sk))

    async def _check(self, mark: Attributes, done: list[Key]) -> None:
        """Add a mark to those that are no longer needed; one that still is, is left, and so reported."""
        await self._deleted(mark)
        if await self._is_empty(self.owner.thread(keys.id_of(key_of(mark).sk)).partition):
            done.append(key_of(mark))

    async def _below(self, thread_id: str) -> None:
        await self.storage.cascade.thread(self.owner.thread(thread_id))

    def _has_ended(self, intent: Attributes) -> bool:
        """Whether no writer is left that could put the object; else the intent stays, and is reported."""
        announced_at = int(intent["expires_at"]["N"]) - INTENT if "expires_at" in intent else 0
        return announced_at + WRITING <= self.storage.table.writes.now

    async def _is_empty(self, partition: str, prefix: str = "") -> bool:
        async for _ in self.storage.bulk.rows(partition, prefix):
            return False
        return True

    async def _attachment(self, row: Attributes) -> None:
        """Delete an attachment and its files, and what is left of its thread. Raises Held."""
        name = keys.id_of(key_of(row).sk)
        await self.storage.kinds.attachments.delete(self.owner, name)
        if self.storage.objects is not None:
            await self.storage.objects.delete_below(object_names.attachment(self.owner, name))
        await self.storage.bulk.delete([key_of(row)])  # if it has expired it was not deleted; and now it is counted
        if "thread" in row:
            await self._below(keys.unescape(row["thread"]["S"]))

    async def _intent(self, row: Attributes) -> None:
        """What is left of a thread that an object was to be written for."""
        escaped = row["item_pk"]["S"].removeprefix(self.owner.partition + keys.THREAD).removesuffix("#")
        await self._below(keys.unescape(escaped))
