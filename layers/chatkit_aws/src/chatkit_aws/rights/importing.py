"""An archive's content, for the user it was exported from or another one: nothing that is there is overwritten.

Everything in the archive is checked before anything is written. Several threads are written at once, then attachments
and records one after the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.rights.contents import checked
from chatkit_aws.rights.errors import BucketNeeded
from chatkit_aws.rights.importing_files import FileImporter
from chatkit_aws.rights.importing_records import RecordImporter
from chatkit_aws.rights.importing_threads import ThreadImporter
from chatkit_aws.rights.parallel import each
from chatkit_aws.rights.progress import Progress
from chatkit_aws.rights.reading import Archive

if TYPE_CHECKING:
    from pathlib import Path

    from chatkit_aws.rights.storage import Account, Storage

AT_ONCE = 4
"""Threads at the same time; each holds up to one item in memory."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The digest of the archive, and what of it was written by this and earlier runs.

    `skipped_` were there before; `expired_threads` would have expired by now; `deleted_threads` were deleted while they
    were written; `left_out` are attachments and feedback whose thread or item was not imported, or was deleted.
    """

    digest: str
    counts: dict[str, int]


async def import_archive(
    storage: Storage, account: Account, path: Path, *, skip_existing: bool = False, any_size: bool = False
) -> Imported:
    """Write what is in the archive at `path` for a user. After it was cut off, the same again writes the rest.

    With `any_size` also one that is more than a hundred times as large as its file. Raises InvalidArchive,
    BucketNeeded, AlreadyThere before anything is written; StoreUnavailable, StoreRefused.
    """
    archive = await asyncio.to_thread(Archive.opened, path, any_size=any_size)
    try:
        contents = await checked(archive, account.owner, storage)
        if storage.files is None and archive.names("files/", ""):
            raise BucketNeeded
        progress = Progress(storage, contents)
        known = await progress.begin(skip_existing=skip_existing)
        counts = Counter(threads=0, items=0)
        threads = ThreadImporter(storage, contents, progress, known, counts)
        await each(contents.threads, threads.thread, AT_ONCE)
        files = FileImporter(storage, contents, progress, known, threads.imported, counts)
        for entry in contents.attachments():
            await files.attachment(entry)
        for member in contents.record_members:
            await RecordImporter(storage, contents, progress, known, counts).member(member)
        await progress.end()
        return Imported(archive.digest, dict(counts))
    finally:
        archive.close()
