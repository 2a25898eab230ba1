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

from chatkit_aws.rights import archive, writing
from chatkit_aws.rights.archive import AttachmentEntry, FeedbackEntry, FileEntry, ThreadEntry, thread_member
from chatkit_aws.rights.exporting_usage import export_usage
from chatkit_aws.rights.files import Kept
from chatkit_aws.store import keys, object_names
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

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
    """What an archive holds, by kind, and its digest; `lost` are items whose object is no longer there."""

    digest: str
    counts: dict[str, int]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is lost."""
        return not self.counts.get("lost")


async def export(storage: Storage, account: Account, path: Path) -> Exported:
    """Write the archive to `path`. Raises ArchiveExists, StoreUnavailable, StoreRefused, UnknownFormat, OSError."""
    owner = account.owner
    with writing.created(path, storage.clock()) as out:
        exporter = _Exporter(storage, owner, out, Counter(threads=0, items=0, attachments=0, files=0), count(1))
        await exporter.threads()
        await exporter.attachments()
        exporter.counts.update(await export_usage(storage, owner, out))
        counts = dict(exporter.counts)
        return Exported(out.close(account, counts), counts)


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

    async def threads(self) -> None:
        numbers = count(1)
        async for rows in pages(self.storage, Span(self.owner.partition, keys.THREAD, index=True)):
            for row in rows:
                await self._thread(row, next(numbers))
            _log.info("threads=%d items=%d | exporting", self.counts["threads"], self.counts["items"])

    async def _thread(self, row: Row, number: int) -> None:
        thread = self.owner.thread(keys.id_of(row.key.sk))
        [entry] = await self.storage.threads.load(self.owner, [dataclasses.replace(row, title=None)])
        title = None if row.title is None else (await self.storage.threads.load(self.owner, [row]))[0].title
        await self._write(thread_member(number, "thread.json"), ThreadEntry(thread=entry, user_title=title))
        await self._items(thread, thread_member(number, "items.jsonl"))
        feedback = await self.storage.feedback.load(thread)
        if feedback:
            entries = [FeedbackEntry(item_id=name, **dataclasses.asdict(given)) for name, given in feedback.items()]
            await self._write(thread_member(number, "feedback.jsonl"), *entries)
        self.counts.update(threads=1, feedback=len(feedback))

    async def _items(self, thread: ThreadKeys, name: str) -> None:
        with self.out.member(name) as member:
            async for page in pages(self.storage, Span(thread.partition, keys.ITEM)):
                for rows in batched(page, _OPEN, strict=False):
                    await member.write(await self._lines(thread, rows))

    async def _lines(self, thread: ThreadKeys, rows: Sequence[Row]) -> bytes:
        items = await self.storage.items.load(thread, rows)
        found = {item.id for item in items}
        for row in rows:
            # Without its object an item is not loaded. If its row is there nevertheless, it was not just deleted.
            if keys.id_of(row.key.sk) not in found and await self.storage.table.get(row.key) is not None:
                self.counts["lost"] += 1
        self.counts["items"] += len(items)
        return b"".join(archive.items.dump_json(item) + b"\n" for item in items)

    async def attachments(self) -> None:
        numbers = count(1)
        async for rows in pages(self.storage, Span(self.owner.partition, keys.ATTACHMENT, index=True)):
            entries = [entry for row in rows if (entry := await self._attachment(row)) is not None]
            if entries:
                await self._write(f"attachments/{next(numbers):06}.jsonl", *entries)
            self.counts["attachments"] += len(entries)

    async def _attachment(self, row: Row) -> AttachmentEntry | None:
        name = keys.id_of(row.key.sk)
        attachment = await self.storage.attachments.load(self.owner, name)
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
