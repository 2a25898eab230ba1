"""Rows of the table, as the store thinks of them and as DynamoDB does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.store.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Attributes = Mapping[str, AttributeValueTypeDef]

MAX_ROW_BYTES = 409_600
"""The most that a row may have: names and values (DynamoDB Developer Guide, Constraints)."""
MAX_INDEXED_ROW_BYTES = MAX_ROW_BYTES // 2
"""The same for a row in the index, which copies all of it: the limit is for both together (Constraints: "item size for
tables with local secondary indexes")."""

_NUMBER_BYTES = 21
"""The most that a number can take (Developer Guide, item sizes)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; each field is an attribute that some kinds of rows have.

    - `by_time`: its place in the index (threads, attachments);
    - `body`: what it holds, as `bodies` makes it; `object`: the name of the object that holds it instead (items);
    - `title`: the title that the user gave (threads); `held_since`: since when it is under hold (threads, records);
    - `settled`: the item can no longer be answered (items); `size`: bytes of its JSON, if they are many (items);
    - `item_sk`: where the item of this id is (places); with `item_pk`, which row is to refer to the object (intents);
    - `attachment`: the escaped id of the image that the item shows (places);
    - `thread`: the escaped id of the thread it goes with (attachments, repeats, names);
    - `run_id`, `digest`: which run, begun by which request (runs, repeats, names); `generation`, `nonce`: which lease
      of the thread's it has, and `run_generation`: which one the run had, where later ones came to nothing;
      `lease_until`, if it is not renewed; `ended`: how, once it has (runs, names), and `ended_at`: when the last one
      did (runs);
    - `revision`: how often it was written (records, their counts); `changed_at`: when, in milliseconds since the epoch,
      and `keep_days`: how long it is kept then (records); `records`, counted anew at `counted_at`: how many (counts);
    - `expires_at`: when it goes. Other times are seconds since the epoch.
    """

    key: Key
    by_time: str | None = None
    body: bytes | None = None
    object: str | None = None
    title: bytes | None = None
    held_since: int | None = None
    settled: bool | None = None
    size: int | None = None
    attachment: str | None = None
    thread: str | None = None
    item_pk: str | None = None
    item_sk: str | None = None
    run_id: str | None = None
    digest: str | None = None
    generation: int | None = None
    run_generation: int | None = None
    nonce: str | None = None
    lease_until: int | None = None
    ended: str | None = None
    ended_at: int | None = None
    revision: int | None = None
    changed_at: int | None = None
    keep_days: int | None = None
    records: int | None = None
    counted_at: int | None = None
    expires_at: int | None = None


_TYPES = {
    "by_time": "S",
    "body": "B",
    "object": "S",
    "title": "B",
    "held_since": "N",
    "settled": "BOOL",
    "size": "N",
    "attachment": "S",
    "thread": "S",
    "item_pk": "S",
    "item_sk": "S",
    "run_id": "S",
    "digest": "S",
    "generation": "N",
    "run_generation": "N",
    "nonce": "S",
    "lease_until": "N",
    "ended": "S",
    "ended_at": "N",
    "revision": "N",
    "changed_at": "N",
    "keep_days": "N",
    "records": "N",
    "counted_at": "N",
    "expires_at": "N",
}


def key_attributes(key: Key) -> dict[str, AttributeValueTypeDef]:
    """A row's primary key."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def position_attributes(row: Row) -> dict[str, AttributeValueTypeDef]:
    """Where a query of the row's kind is told to start: behind it."""
    position: dict[str, AttributeValueTypeDef] = {} if row.by_time is None else {"by_time": {"S": row.by_time}}
    return {**key_attributes(row.key), **position}


def values_of(row: Row) -> dict[str, AttributeValueTypeDef]:
    """All that a row has but its key. Raises ItemTooLarge."""
    values = {name: _value(kind, getattr(row, name)) for name, kind in _TYPES.items() if getattr(row, name) is not None}
    size = sum(map(_size, {**key_attributes(row.key), **values}.items()))
    limit = MAX_ROW_BYTES if row.by_time is None else MAX_INDEXED_ROW_BYTES
    if size > limit:
        raise ItemTooLarge(size, limit)
    return values


def row_of(attributes: Attributes) -> Row:
    """The row that DynamoDB answered with; attributes that this version does not know are left out."""
    known = {name: _read(kind, attributes[name]) for name, kind in _TYPES.items() if name in attributes}
    return Row(Key(attributes["pk"]["S"], attributes["sk"]["S"]), **known)


def _value(kind: str, value: Any) -> AttributeValueTypeDef:
    return {kind: str(value) if kind == "N" else value}  # type: ignore[misc]  # one of the types above


def _read(kind: str, value: Any) -> Any:
    return int(value["N"]) if kind == "N" else value[kind]


def _size(attribute: tuple[str, Any]) -> int:
    """Bytes of a name and its value; a number counts as its longest."""
    name, value = attribute
    [(kind, content)] = value.items()
    size = {"N": _NUMBER_BYTES, "BOOL": 1}.get(kind)
    return len(name) + (len(content.encode() if kind == "S" else content) if size is None else size)
