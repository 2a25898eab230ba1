"""A user's records of one name, as rows with values in JSON.

A record under legal hold has the stamp that threads have: it is not removed, and what is written in its place has no
expiry. One that is added gets the stamp where its owner is under hold, which is asked in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatkit_aws.errors import Held, StoreUnavailable
from chatkit_aws.records.counts import RecordCount
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.guard import MAX_CHANGES
from chatkit_aws.store.keys import id_of
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT, FREE, HELD, LIVE, PRESENT

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.records.keys import RecordKeys
    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.paging import PageRequest
    from chatkit_aws.store.table import Table

MAX_KEEP_DAYS = 36_500
"""The longest that a record can be kept after its last change, other than for ever."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a record holds, since when in milliseconds since the epoch, and how many days after that it expires."""

    text: bytes
    changed_at: int
    keep_days: int


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """Reads and writes the rows. All raise StoreUnavailable, StoreRefused; those that take an id, InvalidId."""

    table: Table
    bodies: Bodies
    keys: RecordKeys

    async def find(self, record_id: str) -> Row | None:
        """The row of the record with this id."""
        return await self.table.get(self.keys.record(record_id))

    async def after(self, request: PageRequest) -> list[Row]:
        """The rows for a page, one more than it has where more follow; the one it follows need not be there."""
        start = None if request.after is None else Row(self.keys.record(request.after))
        return await self.table.query(self.keys.span, request.look_ahead, forward=request.forward, start=start)

    async def text(self, row: Row) -> bytes:
        """The value in a row. Raises UnknownFormat."""
        return await self.bodies.open(row.body or b"", self._scope, row.key)

    async def add(self, record_id: str, content: Content, most: int) -> Row:
        """Write a new record, of which the user may have `most`; the first of an id stays. Raises RecordsFull."""
        row, count = self._free(await self._row(record_id, content)), RecordCount(self.table, self.keys)
        held = replace(row, expires_at=None, held_since=self.table.writes.now)
        is_held = False
        for _ in range(MAX_CHANGES):
            try:
                await self._put(held if is_held else row, count.more(most, row.expires_at), is_held=is_held)
            except ConditionFailed as failed:
                hold, full, there = failed.rows
            else:
                return held if is_held else row
            if there:
                return there
            if hold is not False:
                is_held = hold is not None
            if full is not False:
                await count.make_room(full, most)
        raise _unsettled()

    async def change(self, row: Row, content: Content) -> Row:
        """Replace what is in a row. Raises ConditionFailed if the row is no longer as it was read."""
        is_free, revision = row.held_since is None, row.revision or 0
        changed = replace(await self._row(id_of(row.key.sk), content), revision=revision + 1)
        changed = self._free(changed) if is_free else replace(changed, held_since=row.held_since)
        condition = f"{LIVE} AND {FREE if is_free else HELD} AND revision = :met"
        values: dict[str, AttributeValueTypeDef] = {":met": {"N": str(revision)}}
        await self.table.transact(self.table.writes.put(changed, condition, values))
        return changed

    async def remove(self, record_id: str) -> bool:
        """Remove a record; whether it was there. Raises Held."""
        key, count, is_counted = self.keys.record(record_id), RecordCount(self.table, self.keys), True
        for _ in range(MAX_CHANGES):
            removed = self.table.writes.delete(key, f"{LIVE} AND {FREE}")
            try:
                await self.table.transact(removed, count.less(is_there=is_counted))
            except ConditionFailed as failed:
                met, counted = failed.rows
            else:
                return True
            if met and met.held_since is not None:
                raise Held
            if met is not False:
                return False
            is_counted = counted is not None
        raise _unsettled()

    async def _put(self, row: Row, place: TransactWriteItemTypeDef, *, is_held: bool) -> None:
        """Write a new row that takes a place. Raises ConditionFailed with what the hold, the place and the row met."""
        writes = self.table.writes
        hold = writes.check(self.keys.owner.hold, PRESENT if is_held else ABSENT)
        await self.table.transact(hold, place, writes.put(row, ABSENT))

    async def _row(self, record_id: str, content: Content) -> Row:
        """A row that was written once, without its expiry."""
        key = self.keys.record(record_id)
        body = await self.bodies.close(content.text, self._scope, key)
        return Row(key, body=body, revision=1, changed_at=content.changed_at, keep_days=content.keep_days)

    def _free(self, row: Row) -> Row:
        """The row as it expires: at the end of a day, as threads do, so that a count is good for one."""
        now = self.table.writes.now
        return replace(row, expires_at=Retention(row.keep_days or 0).of_thread(now, now))

    @property
    def _scope(self) -> Scope:
        return Scope(self.keys.owner.tenant_id, None)


def _unsettled() -> StoreUnavailable:
    return StoreUnavailable("a legal hold, or the number of records, changed again and again")
