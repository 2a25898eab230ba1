"""A record, as its user's assistant sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from chatkit_aws.records.ids import added_at
from chatkit_aws.store.keys import id_of

if TYPE_CHECKING:
    from chatkit_aws.store.rows import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Record[M: BaseModel]:
    """A value that is kept, since when, and when it was changed last; times are UTC, to the millisecond.

    `version` is 1 when the record is added and one more after each change.
    """

    id: str
    value: M
    created_at: datetime
    changed_at: datetime
    version: int


def record_of[M: BaseModel](row: Row, value: M) -> Record[M]:
    """The record in a row, which holds this value."""
    record_id = id_of(row.key.sk)
    return Record(
        id=record_id,
        value=value,
        created_at=moment_of(added_at(record_id)),
        changed_at=moment_of(row.changed_at or 0),
        version=row.revision or 0,
    )


def moment_of(milliseconds: int) -> datetime:
    """The time in UTC, given milliseconds since the epoch. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + milliseconds * _MILLISECOND


def milliseconds_of(moment: datetime) -> int:
    """Milliseconds since the epoch; `moment` has a zone."""
    return (moment - _EPOCH) // _MILLISECOND
