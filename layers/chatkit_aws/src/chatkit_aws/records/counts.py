"""How many records of one name a user has: a row that is changed in the transaction that adds or removes one.

The row knows nothing of records that expire, so what it says may be too much, and never too little. One that says that
all places are taken is therefore counted anew, once a day at most: records expire at the ends of days. Every change of
the row raises its revision, and what was counted counts only if nothing was added or removed meanwhile.

It expires with the record that was added last. If others are there then, since they were changed later, they are
counted when the next one is added, as they are wherever the row is missing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import RecordsFull
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT, GONE, LIVE, PRESENT

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.records.keys import RecordKeys
    from chatkit_aws.store.table import Table

    type Numbers = dict[str, AttributeValueTypeDef]

_PAGE = 100
"""Rows asked for at once."""


@dataclass(frozen=True, slots=True)
class RecordCount:
    """The row of one user and one name."""

    table: Table
    keys: RecordKeys

    def more(self, most: int, expires_at: int | None) -> TransactWriteItemTypeDef:
        """The part of a transaction that takes one of `most` places; the row stays until `expires_at`, or for ever."""
        change, values = "ADD records :one, revision :one", _numbers(one=1, most=most)
        if expires_at is None:
            change = f"REMOVE expires_at {change}"
        else:
            change, values = f"SET expires_at = :until {change}", {**values, **_numbers(until=expires_at)}
        return self.table.writes.update(self.keys.count, change, f"{LIVE} AND records < :most", values)

    def less(self, *, is_there: bool) -> TransactWriteItemTypeDef:
        """The part that gives a place back; with `is_there` false, that requires that there is no row to do so in."""
        if not is_there:
            return self.table.writes.check(self.keys.count, ABSENT)
        change = "ADD records :less, revision :one"
        return self.table.writes.update(self.keys.count, change, PRESENT, _numbers(less=-1, one=1))

    async def make_room(self, met: Row | None, most: int) -> None:
        """See whether there is a place after all, where the row refused one or was not there. Raises RecordsFull."""
        now = self.table.writes.now
        if met is None or (met.expires_at is not None and met.expires_at <= now):
            await self._count_anew(1, GONE, {})
        elif (met.records or 0) >= most:
            if (met.counted_at or 0) // DAY >= now // DAY:
                raise RecordsFull(most)
            revision = met.revision or 0
            await self._count_anew(revision + 1, "revision = :met", _numbers(met=revision))

    async def _count_anew(self, revision: int, condition: str, values: Numbers) -> None:
        """Write how many there are, unless somebody else has changed the row; whoever adds next sets its expiry."""
        records, writes = await self._live(), self.table.writes
        row = Row(self.keys.count, records=records, counted_at=writes.now, revision=revision)
        try:
            await self.table.write(writes.put(dataclasses.replace(row, expires_at=writes.now + DAY), condition, values))
        except ConditionFailed:
            return

    async def _live(self) -> int:
        """How many there are that have not expired."""
        rows = await self.table.query(self.keys.span, _PAGE, forward=True)
        total = len(rows)
        while len(rows) == _PAGE:
            rows = await self.table.query(self.keys.span, _PAGE, forward=True, start=rows[-1])
            total += len(rows)
        return total


def _numbers(**numbers: int) -> Numbers:
    return {f":{name}": {"N": str(number)} for name, number in numbers.items()}
