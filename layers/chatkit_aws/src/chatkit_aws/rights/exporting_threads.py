"""A user's threads and what is in them, as members of an archive."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from itertools import batched, count
from typing import TYPE_CHECKING

from chatkit.types import ThreadMetadata

from chatkit_aws.rights import archive
from chatkit_aws.rights.archive import FeedbackEntry, LostEntry, ThreadEntry, thread_member
from chatkit_aws.rights.losses import UNREADABLE
from chatkit_aws.rights.pages import pages
from chatkit_aws.store import keys
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from chatkit.types import ThreadItem

    from chatkit_aws.rights.losses import Losses
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.rights.writing import ArchiveWriter
    from chatkit_aws.store.keys import Owner, ThreadKeys
    from chatkit_aws.store.rows import Row

_log = logging.getLogger(__name__)

_OPEN = 10
"""Items decoded at once: up to 5 MB each."""


@dataclass(frozen=True, slots=True)
class ThreadExporter:
    """Writes the threads of a user; what cannot be read is among the `losses`."""

    storage: Storage
    owner: Owner
    out: ArchiveWriter
    counts: Counter[str]
    losses: Losses

    async def threads(self) -> None:
        """All of them, in the order of time."""
        numbers = count(1)
        async for rows in pages(self.storage, Span(self.owner.partition, keys.THREAD, index=True)):
            for row in rows:
                await self._thread(row, next(numbers))
            _log.info("threads=%d items=%d | exporting", self.counts["threads"], self.counts["items"])

    async def _thread(self, row: Row, number: int) -> None:
        thread = self.owner.thread(keys.id_of(row.key.sk))
        name, created_at = thread.thread_id, keys.created_at_of(row.by_time or "")
        reading = self.storage.kinds.threads.load(self.owner, [dataclasses.replace(row, title=None)])
        bare = ThreadMetadata(id=name, created_at=created_at)
        [entry] = await self.losses.read(LostEntry(kind="thread", id=name), reading, [bare])
        title = None
        if row.title is not None:
            opening = self.storage.bodies.open(row.title, Scope(self.owner.tenant_id, name), row.key, "title")
            title = await self.losses.read(LostEntry(kind="user_title", id=name), opening, None)
        shown = ThreadEntry(thread=entry, user_title=None if title is None else title.decode())
        await self.out.entries(thread_member(number, "thread.json"), shown)
        await self._items(thread, thread_member(number, "items.jsonl"))
        feedback = await self._feedback(thread)
        if feedback:
            await self.out.entries(thread_member(number, "feedback.jsonl"), *feedback)
        self.counts.update(threads=1, feedback=len(feedback))

    async def _feedback(self, thread: ThreadKeys) -> list[FeedbackEntry]:
        """All that is thought of items, or nothing of a thread where one row cannot be read."""
        lost = LostEntry(kind="feedback", id=thread.thread_id)
        given = await self.losses.read(lost, self.storage.kinds.feedback.load(thread), {})
        return [FeedbackEntry(item_id=name, **dataclasses.asdict(one)) for name, one in given.items()]

    async def _items(self, thread: ThreadKeys, name: str) -> None:
        with self.out.member(name) as member:
            async for page in pages(self.storage, Span(thread.partition, keys.ITEM)):
                for rows in batched(page, _OPEN, strict=False):
                    await member.write(await self._lines(thread, rows))

    async def _lines(self, thread: ThreadKeys, rows: Sequence[Row]) -> bytes:
        try:
            items = await self.storage.kinds.items.load(thread, rows)
            self.losses.readable += len(items)
        except UNREADABLE:
            items = [item for row in rows for item in await self._item(thread, row)]
        else:
            await self._missing(thread, rows, {item.id for item in items})
        self.counts["items"] += len(items)
        return b"".join(archive.items.dump_json(item) + b"\n" for item in items)

    async def _item(self, thread: ThreadKeys, row: Row) -> list[ThreadItem]:
        """An item alone, among some of which one cannot be read."""
        lost = LostEntry(kind="item", id=keys.id_of(row.key.sk), thread_id=thread.thread_id)
        count = len(self.losses.entries)
        items = await self.losses.read(lost, self.storage.kinds.items.load(thread, [row]), [])
        if len(self.losses.entries) == count:
            await self._missing(thread, [row], {item.id for item in items})
        return items

    async def _missing(self, thread: ThreadKeys, rows: Sequence[Row], found: AbstractSet[str]) -> None:
        """Name items without their object. If a row is there nevertheless, it was not just deleted."""
        for row in rows:
            name = keys.id_of(row.key.sk)
            if name not in found and await self.storage.table.get(row.key) is not None:
                self.losses.entries.append(LostEntry(kind="item", id=name, thread_id=thread.thread_id))
