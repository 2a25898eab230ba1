"""The attachments of an archive and their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.rights.files import Kept
from chatkit_aws.store import object_names

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Set as AbstractSet

    from chatkit_aws.rights.archive import AttachmentEntry, FileEntry
    from chatkit_aws.rights.contents import Contents
    from chatkit_aws.rights.progress import Known, Progress
    from chatkit_aws.rights.storage import Storage


@dataclass(frozen=True, slots=True)
class FileImporter:
    """Writes attachments that are in no thread or in one of those `imported`, but for those that are `known`."""

    storage: Storage
    contents: Contents
    progress: Progress
    known: Known
    imported: AbstractSet[str]
    counts: Counter[str]

    async def attachment(self, entry: AttachmentEntry) -> None:
        """The row first: it leads to the files, should the import never go on."""
        attachment, owner = entry.attachment, self.contents.owner
        name = owner.attachment(attachment.id).sk
        if name in self.known.before:
            self.counts["skipped_attachments"] += 1
            return
        if name in self.known.finished:
            self.counts.update(attachments=1, files=len(entry.files))
            return
        if attachment.thread_id is not None and attachment.thread_id not in self.imported:
            self.counts["left_out"] += 1
            return
        try:
            await self.storage.kinds.attachments.save(owner, attachment, entry.created_at)
        except ThreadNotFound:
            self.counts["left_out"] += 1
            return
        for file in entry.files:
            await self._file(object_names.attachment(owner, attachment.id), file)
        await self.progress.finish(name)
        self.counts["attachments"] += 1

    async def _file(self, prefix: str, entry: FileEntry) -> None:
        assert self.storage.files is not None  # noqa: S101 - asked before anything was written
        size = self.contents.archive.manifest.members[entry.member].size
        with self.contents.archive.open(entry.member) as body:
            kept = Kept(entry.content_type, entry.metadata)
            await self.storage.files.put(prefix + entry.name, body, size, kept)
        self.counts["files"] += 1
