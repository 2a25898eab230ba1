"""The records of an archive, of every name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import to_json

from chatkit_aws.records.keys import RECORD, RecordKeys
from chatkit_aws.records.record import milliseconds_of
from chatkit_aws.records.stored import Content, StoredRecords

if TYPE_CHECKING:
    from collections import Counter

    from chatkit_aws.rights.archive import RecordEntry
    from chatkit_aws.rights.contents import Contents
    from chatkit_aws.rights.progress import Known, Progress
    from chatkit_aws.rights.storage import Storage


@dataclass(frozen=True, slots=True)
class RecordImporter:
    """Writes records, but for those that are `known`. They expire as those that are changed today.

    However many there are, all come back: how many a user may add is the application's to say, and counts from then on.
    """

    storage: Storage
    contents: Contents
    progress: Progress
    known: Known
    counts: Counter[str]

    async def member(self, member: str) -> None:
        """Up to a hundred records, which are then known to be written. Raises StoreUnavailable, StoreRefused."""
        mark = RECORD + member
        for entry in self.contents.records(member):
            keys = RecordKeys(self.contents.owner, entry.name)
            if keys.record(entry.id).sk in self.known.before:
                self.counts["skipped_records"] += 1
                continue
            if mark not in self.known.finished:
                await self._write(keys, entry)
            self.counts["records"] += 1
        await self.progress.finish(mark)

    async def _write(self, keys: RecordKeys, entry: RecordEntry) -> None:
        """Write a record, if no earlier run has."""
        content = Content(to_json(entry.value), milliseconds_of(entry.changed_at), entry.keep_days)
        await StoredRecords(self.storage.table, self.storage.bodies, keys).add(entry.id, content, sys.maxsize)
