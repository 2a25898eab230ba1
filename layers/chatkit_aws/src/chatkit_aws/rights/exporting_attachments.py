"""A user's attachments and their files, as members of an archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from chatkit_aws.rights.archive import AttachmentEntry, FileEntry, LostEntry
from chatkit_aws.rights.files import Kept
from chatkit_aws.rights.pages import pages
from chatkit_aws.store import keys, object_names
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from collections import Counter

    from chatkit_aws.rights.files import Files, Listed
    from chatkit_aws.rights.losses import Losses
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.rights.writing import ArchiveWriter
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.store.rows import Row


@dataclass(frozen=True, slots=True)
class AttachmentExporter:
    """Writes the attachments of a user; what cannot be read is among the `losses`."""

    storage: Storage
    owner: Owner
    out: ArchiveWriter
    counts: Counter[str]
    losses: Losses
    _files: Iterator[int] = field(default_factory=lambda: count(1))

    async def attachments(self) -> None:
        """All of them, in the order of time."""
        numbers = count(1)
        async for rows in pages(self.storage, Span(self.owner.partition, keys.ATTACHMENT, index=True)):
            entries = [entry for row in rows if (entry := await self._attachment(row)) is not None]
            if entries:
                await self.out.entries(f"attachments/{next(numbers):06}.jsonl", *entries)
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
        name, kept = f"files/{next(self._files):06}", Kept()
        with self.out.member(name) as member:
            async for chunk in store.chunks(found, kept):
                await member.write(chunk)
        self.counts["files"] += 1
        return FileEntry(
            name=found.name.removeprefix(prefix), member=name, content_type=kept.content_type, metadata=kept.metadata
        )
