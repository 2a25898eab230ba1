"""What an import has found, begun and finished, kept in the table, so that it can be ended after it was cut off.

Three kinds of rows: one for each thread, attachment and record that was there before, which the import leaves alone,
and then one that says that all of these are known. From that moment what is there of the archive, and has no such row,
the import has written itself. Then one for each thread, attachment and member of records that is written to its end:
what the user changes or deletes of it from then on stays so. At the end the second kind goes first, and with it the
right to go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.records.keys import RECORD, RecordKeys
from chatkit_aws.rights.errors import AlreadyThere
from chatkit_aws.rights.kinds import IMPORT
from chatkit_aws.rights.parallel import each
from chatkit_aws.store import keys
from chatkit_aws.store.bulk import key_of
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatkit_aws.rights.contents import Contents
    from chatkit_aws.rights.storage import Storage

RESUMABLE = 30 * DAY
"""How long an import that was cut off can go on."""
_FINISHED = "FIN#"


@dataclass(frozen=True, slots=True)
class Known:
    """What was there before, and what of the archive is written: the ends of rows' sort keys."""

    before: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one archive and one user. What it knows is named by the end of its row's sort key: `THR#id`, `REC#name#id`."""

    storage: Storage
    contents: Contents

    async def begin(self, *, skip_existing: bool) -> Known:
        """What the import must leave alone. Raises AlreadyThere if anything was there and is not to be skipped."""
        if await self.storage.table.get(self._begun) is not None:
            marks = {key.sk.removeprefix(self._begun.sk) for key in await self._marks()} - {""}
            finished = frozenset(mark for mark in marks if mark.startswith(_FINISHED))
            return Known(frozenset(marks - finished), frozenset(mark.removeprefix(_FINISHED) for mark in finished))
        there = await self._there()
        if there and not skip_existing:
            raise AlreadyThere(len(there))
        expires_at = self.storage.table.writes.now + RESUMABLE
        # A mark must not go before the row that says that all marks are there.
        await each(there, lambda name: self._put(self._begun.sk + name, expires_at + DAY))
        await self._put(self._begun.sk, expires_at)
        return Known(frozenset(there))

    async def finish(self, name: str) -> None:
        """A thread, an attachment or a member of records is written to its end."""
        await self._put(f"{self._begun.sk}{_FINISHED}{name}", self.storage.table.writes.now + RESUMABLE + DAY)

    async def end(self) -> None:
        """Nothing of it is left."""
        await self.storage.bulk.delete([self._begun])
        await self.storage.bulk.delete(await self._marks())

    async def _there(self) -> set[str]:
        """What the user has of the archive, or had until yesterday, or of what is not yet removed."""
        wanted = {keys.THREAD + keys.escape(name) for name in self._thread_ids()}
        there: set[str] = set()
        now, owner = self.storage.table.writes.now, self.contents.owner
        for prefix in (keys.THREAD, keys.DELETED):
            async for page in self.storage.bulk.rows(owner.partition, prefix, attributes=("pk", "sk", "expires_at")):
                live = [row for row in page if prefix == keys.THREAD or int(row["expires_at"]["N"]) > now]
                there |= wanted & {keys.THREAD + key_of(row).sk.removeprefix(prefix) for row in live}
        for prefix, others in ((keys.ATTACHMENT, self._attachments()), (RECORD, self._records())):
            async for page in self.storage.bulk.rows(owner.partition, prefix):
                there |= others & {key_of(row).sk for row in page}
        await each(wanted - there, lambda name: self._add_rest(name, there))
        return there

    async def _add_rest(self, name: str, there: set[str]) -> None:
        """A thread that was deleted longer ago, while cleanup is not through with it."""
        async for _ in self.storage.bulk.rows(f"{self.contents.owner.partition}{name}#"):
            there.add(name)
            return

    def _attachments(self) -> set[str]:
        return {keys.ATTACHMENT + keys.escape(entry.attachment.id) for entry in self.contents.attachments()}

    def _records(self) -> set[str]:
        found = (one for member in self.contents.record_members for one in self.contents.records(member))
        return {RecordKeys(self.contents.owner, one.name).record(one.id).sk for one in found}

    def _thread_ids(self) -> Iterable[str]:
        return (self.contents.thread(number).thread.id for number in self.contents.threads)

    async def _marks(self) -> list[Key]:
        rows = self.storage.bulk.rows(self.contents.owner.partition, self._begun.sk)
        return [key_of(row) async for page in rows for row in page]

    async def _put(self, sort_key: str, expires_at: int) -> None:
        row = Row(Key(self.contents.owner.partition, sort_key), expires_at=expires_at)
        await self.storage.table.write(self.storage.table.writes.put(row))

    @property
    def _begun(self) -> Key:
        return Key(self.contents.owner.partition, f"{IMPORT}{self.contents.archive.digest}#")
