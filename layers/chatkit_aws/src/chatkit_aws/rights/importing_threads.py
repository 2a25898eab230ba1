"""The threads of an archive and what is in them.

They expire as those that are written today, or were created when they were; one that would have expired by now is left
out. A thread's items are written one after the other, as all writers do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from chatkit_aws.errors import ItemNotFound, ThreadNotFound
from chatkit_aws.store import codec, keys
from chatkit_aws.store.bulk import key_of

if TYPE_CHECKING:
    from collections import Counter

    from chatkit_aws.rights.archive import ThreadEntry
    from chatkit_aws.rights.contents import Contents
    from chatkit_aws.rights.progress import Known, Progress
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.keys import ThreadKeys

_log = logging.getLogger(__name__)

_TOLD = 100


@dataclass(frozen=True, slots=True)
class ThreadImporter:
    """Writes threads, but for those that are `known`; `imported` are the ids of those that are written."""

    storage: Storage
    contents: Contents
    progress: Progress
    known: Known
    counts: Counter[str]
    imported: set[str] = field(default_factory=set)

    async def thread(self, number: int) -> None:
        """The thread with this number in the archive. Raises StoreUnavailable, StoreRefused."""
        entry = self.contents.thread(number)
        thread = self.contents.owner.thread(entry.thread.id)
        if thread.row.sk in self.known.before:
            self.counts["skipped_threads"] += 1
        elif thread.row.sk in self.known.finished:
            self._count(thread, number)
        elif self._has_expired(entry):
            self.counts["expired_threads"] += 1
        else:
            await self._write(thread, number, entry)
        if self.counts["threads"] % _TOLD == _TOLD - 1:
            _log.info("threads=%d items=%d | importing", self.counts["threads"], self.counts["items"])

    def _count(self, thread: ThreadKeys, number: int) -> None:
        """What an earlier run has written; whether the user still has it is their affair."""
        self.imported.add(thread.thread_id)
        given = sum(1 for _ in self.contents.feedback(number, thread))
        items = sum(1 for _ in self.contents.items(number, thread.thread_id))
        self.counts.update(threads=1, items=items, **({"feedback": given} if given else {}))

    async def _write(self, thread: ThreadKeys, number: int, entry: ThreadEntry) -> None:
        try:
            await self._row(thread, entry)
            await self._items(thread, number)
            await self._feedback(thread, number)
        except ThreadNotFound:
            self.counts["deleted_threads"] += 1
        else:
            await self.progress.finish(thread.row.sk)
            self.imported.add(thread.thread_id)
            self.counts["threads"] += 1

    def _has_expired(self, entry: ThreadEntry) -> bool:
        created_at = keys.naive_utc(entry.thread.created_at).replace(tzinfo=UTC).timestamp()
        now = self.storage.table.writes.now
        expires_at = self.storage.retention.of_thread(now, created_at)
        return expires_at is not None and expires_at <= now

    async def _row(self, thread: ThreadKeys, entry: ThreadEntry) -> None:
        """The thread itself, unless it was written before and perhaps changed since."""
        row = await self.storage.table.get(thread.row)
        if row is None:
            await self.storage.kinds.threads.save(thread.owner, entry.thread)
        if entry.user_title is not None and (row is None or row.title is None):
            await self.storage.kinds.threads.rename(thread, entry.user_title)

    async def _items(self, thread: ThreadKeys, number: int) -> None:
        places = self.storage.bulk.rows(thread.partition, keys.PLACE)
        written = {key_of(row).sk async for page in places for row in page}
        for item in self.contents.items(number, thread.thread_id):
            if thread.place(item.id).sk not in written:
                await self.storage.kinds.items.add(thread, item)
            self.counts["items"] += 1

    async def _feedback(self, thread: ThreadKeys, number: int) -> None:
        for entry in self.contents.feedback(number, thread):
            try:
                await self.storage.kinds.feedback.put(
                    thread, entry.item_id, codec.Feedback(entry.kind, entry.created_at)
                )
                self.counts["feedback"] += 1
            except ItemNotFound:
                self.counts["left_out"] += 1
