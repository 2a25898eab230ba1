"""All of a user's data as one file.

It is what the user could see, with what is hidden from them, too: what has expired is not among it. It is read page by
page while the application runs, so what is written or deleted meanwhile may be in it or not.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from dataclasses import dataclass
from itertools import batched, count
from typing import TYPE_CHECKING

from chatkit.types import ThreadMetadata

from chatkit_aws.rights import archive, writing
from chatkit_aws.rights.archive import (
    AttachmentEntry,
    FeedbackEntry,
    FileEntry,
    LostEntry,
    ThreadEntry,
    thread_member,
)
from chatkit_aws.rights.exporting_usage import export_usage
from chatkit_aws.rights.files import Kept
from chatkit_aws.rights.losses import UNREADABLE, Losses
from chatkit_aws.store import keys, object_names
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from chatkit.types import ThreadItem

    from chatkit_aws.rights.files import Files, Listed
    from chatkit_aws.rights.storage import Account, Storage
    from chatkit_aws.rights.writing import ArchiveWriter
    from chatkit_aws.store.keys import Owner, ThreadKeys
    from chatkit_aws.store.rows import Row

_log = logging.getLogger(__name__)

PAGE = 100
"""Rows asked for at once."""
_OPEN = 10
"""Items decoded at once: up to 5 MB each."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an archive holds, by kind, and its digest; `lost` is what could not be read, or is no longer there."""

    digest: str
    counts: dict[str, int]
    lost: list[dict[str, str | None]]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is lost."""
        return not self.counts.get("lost")


async def export(storage: Storage, account: Account, path: Path) -> Exported:
    """Write the archive to `path`.

    Raises ArchiveExists, StoreUnavailable, StoreRefused, OSError, and UnknownFormat where nothing at all can be read.
    """
    owner = account.owner
    with writing.created(path, storage.clock()) as out:
        counts, losses = Counter(threads=0, items=0, attachments=0, files=0), Losses()
        exporter = _Exporter(storage, owner, out, counts, count(1), losses)
        await exporter.threads()
        await exporter.attachments()
        counts.update(await export_usage(storage, owner, out))
        await losses.write(out)
        totals = {**counts, **({"lost": len(losses.entries)} if losses.entries else {})}
        return Exported(out.close(account, totals), totals, [entry.model_dump() for entry in losses.entries])


async def pages(storage: Storage, span: Span) -> AsyncIterator[list[Row]]:
    """Rows in order, without those that have expired."""
    rows = await storage.table.query(span, PAGE, forward=True)
    while rows:
        yield rows
        more = len(rows) == PAGE
        rows = await storage.table.query(span, PAGE, forward=True, start=rows[-1]) if more else []


@dataclass(frozen=True, slots=True)
class _Exporter:
    storage: Storage
    owner: Owner
    out: ArchiveWriter
    counts: Counter[str]
    files: Iterator[int]
    losses: Losses

    async def threads(self) -> None:
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
        await self._write(thread_member(number, "thread.json"), shown)
        await self._items(thread, thread_member(number, "items.jsonl"))
        feedback = await self._feedback(thread)
        if feedback:
            await self._write(thread_member(number, "feedback.jsonl"), *feedback)
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

    async def attachments(self) -> None:
        numbers = count(1)
        async for rows in pages(self.storage, Span(self.owner.partition, keys.ATTACHMENT, index=True)):
            entries = [entry for row in rows if (entry := await self._attachment(row)) is not None]
            if entries:
                await self._write(f"attachments/{next(numbers):06}.jsonl", *entries)
            self.counts["attachments"] += len(entries)

    async def _attachment(self, row: Row) -> AttachmentEntry | None:
        name = keys.id_of(row.key.sk)
        reading = self.storage.kinds.attachments.load(self.owner, name)
        attachment = await self.losses.read(LostEntry(kind="attachment", id=name), reading, None)
        if attachment is None:
            return None
        prefix, created_at = object_names.attachment(self.owner, name), keys.created_at_of(row.by_time or "")
        store = self.storage.files
        files = [] if store is None else [await self._file(store, found, prefix) async for found in store.below(prefix)]
        return AttachmentEntry(attachment=attachment, created_at=created_at, files=files)

    async def _file(self, store: Files, found: Listed, prefix: str) -> FileEntry:
        name, kept = f"files/{next(self.files):06}", Kept()
        with self.out.member(name) as member:
            async for chunk in store.chunks(found, kept):
                await member.write(chunk)
        self.counts["files"] += 1
        return FileEntry(
            name=found.name.removeprefix(prefix), member=name, content_type=kept.content_type, metadata=kept.metadata
        )

    async def _write(self, name: str, *entries: ThreadEntry | FeedbackEntry | AttachmentEntry) -> None:
        with self.out.member(name) as member:
            for entry in entries:
                await member.write(entry.model_dump_json().encode() + b"\n")
