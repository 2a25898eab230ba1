"""What goes with what was deleted or has expired: the rows and objects of a thread, an attachment's files, an object.

Everything here may be killed at any moment and done again, in any order and by several at once: each step looks at
what is there now, and removes nothing that a row still needs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from chatkit_aws.store import keys, object_names
from chatkit_aws.store.bulk import BATCH, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from chatkit_aws.store.bulk import Bulk
    from chatkit_aws.store.keys import Key, Owner, ThreadKeys
    from chatkit_aws.store.objects import Objects
    from chatkit_aws.store.table import Table


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was removed. Rows and objects that were gone already may be counted again."""

    rows: int = 0
    objects: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(self.rows + other.rows, self.objects + other.objects)

    def __bool__(self) -> bool:
        return bool(self.rows or self.objects)


@dataclass(frozen=True, slots=True)
class Cascade:
    """Removes what is left of something. All raise StoreUnavailable, StoreRefused; without a bucket, only rows."""

    bulk: Bulk
    objects: Objects | None
    table: Table

    async def thread(self, thread: ThreadKeys) -> Removed:
        """Everything of a thread whose row is gone or has expired; nothing of one that is there."""
        total = Removed()
        async for removed in self.steps(thread):
            total += removed
        return total

    async def steps(self, thread: ThreadKeys) -> AsyncGenerator[Removed]:
        """The same, step by step, for who has little time: after each step of a second or so, what it removed.

        A row that says where more is to be found goes after what it leads to: attachments' files before their rows and
        both before the marks that name them, items' objects before the items. Each step takes what it has done out of
        the next one's way, so that whoever begins again gets further.
        """
        async for removed in self._attachments(thread):
            yield removed
        async for removed in self._contents(thread):
            yield removed
        if not await self._is_gone(thread):
            return
        # What no row refers to: an object whose item was about to be written when the thread went.
        if self.objects is not None:
            async for count in self.objects.delete_pages(object_names.items_of_thread(thread)):
                yield Removed(objects=count)

    async def attachment(self, owner: Owner, attachment_id: str) -> Removed:
        """The files of an attachment whose row is gone or has expired."""
        if await self.table.get(owner.attachment(attachment_id)) is not None:
            return Removed()
        return Removed(objects=await self._below(object_names.attachment(owner, attachment_id)))

    async def item_object(self, row: Key, name: str) -> Removed:
        """An object that the row at `row` does not refer to, whether it did once or was to and never did."""
        found = await self.table.get(row)
        if self.objects is None or (found is not None and found.object == name):
            return Removed()
        await self.objects.delete(name)
        return Removed(objects=1)

    async def _attachments(self, thread: ThreadKeys) -> AsyncGenerator[Removed]:
        async for page in self.bulk.rows(thread.partition, keys.ATTACHED):
            for marks in batched(page, BATCH, strict=False):
                if not await self._is_gone(thread):
                    return
                removed = await self._attached(thread, [keys.id_of(key_of(mark).sk) for mark in marks])
                yield removed + Removed(await self.bulk.delete(map(key_of, marks)))

    async def _attached(self, thread: ThreadKeys, attachment_ids: Sequence[str]) -> Removed:
        """Some of a thread's attachments, but for those that went on to another thread."""
        rows = [thread.owner.attachment(attachment_id) for attachment_id in attachment_ids]
        found = await asyncio.gather(*map(self.table.get, rows))
        others = [row is not None and row.thread not in {None, thread.escaped} for row in found]
        own = [name for name, other in zip(attachment_ids, others, strict=True) if not other]
        files = await asyncio.gather(*(self._below(object_names.attachment(thread.owner, name)) for name in own))
        return Removed(await self.bulk.delete(map(thread.owner.attachment, own)), sum(files))

    async def _contents(self, thread: ThreadKeys) -> AsyncGenerator[Removed]:
        async for page in self.bulk.rows(thread.partition, attributes=("pk", "sk", "object")):
            # Asked after the page was read: nothing is written below a thread that is not there, so the page holds
            # nothing of one that was created again with this id unless that one's row is there by now.
            if not await self._is_gone(thread):
                return
            names = [row["object"]["S"] for row in page if "object" in row]
            if self.objects is not None:
                await self.objects.delete(*names)
            rows = [key for key in map(key_of, page) if not key.sk.startswith(keys.ATTACHED)]
            yield Removed(await self.bulk.delete(rows), len(names))

    async def _is_gone(self, thread: ThreadKeys) -> bool:
        return await self.table.get(thread.row) is None

    async def _below(self, prefix: str) -> int:
        return 0 if self.objects is None else await self.objects.delete_below(prefix)
