"""Rows as DynamoDB's attributes, and what they weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.store.codec import Row
from chatkit_aws.store.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Attributes = Mapping[str, AttributeValueTypeDef]

MAX_ROW_BYTES = 409_600 // 2
"""DynamoDB's 400 KB hold a row and its copy in each local index; there is one index and it copies all (Developer Guide,
Constraints: "item size for tables with local secondary indexes")."""

_NUMBER_BYTES = 21
"""The most that a number can take (Developer Guide, item sizes)."""


def key_attributes(key: Key) -> dict[str, AttributeValueTypeDef]:
    """A row's primary key."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def position_attributes(row: Row) -> dict[str, AttributeValueTypeDef]:
    """A row's key in the index, as a query is told where to start."""
    return {**key_attributes(row.key), "by_time": {"S": row.by_time}}


def values_of(row: Row) -> dict[str, AttributeValueTypeDef]:
    """All of a row that is written, but for its key. Raises ItemTooLarge."""
    values: dict[str, AttributeValueTypeDef] = {
        "by_time": {"S": row.by_time},
        "type": {"S": row.type},
        "v": {"N": str(row.version)},
        "body": {"S": row.body},
    }
    size = _size({**key_attributes(row.key), **values})
    if size > MAX_ROW_BYTES:
        raise ItemTooLarge(size, MAX_ROW_BYTES)
    return values


def row_of(attributes: Attributes) -> Row:
    """The row that DynamoDB answered with."""
    expires_at = attributes.get("expires_at")
    return Row(
        key=Key(attributes["pk"]["S"], attributes["sk"]["S"]),
        by_time=attributes["by_time"]["S"],
        type=attributes["type"]["S"],
        body=attributes["body"]["S"],
        version=int(attributes["v"]["N"]),
        expires_at=None if expires_at is None else int(expires_at["N"]),
    )


def _size(attributes: Attributes) -> int:
    """Bytes of names and values in UTF-8; numbers count as their longest."""
    return sum(
        len(name.encode()) + (len(value["S"].encode()) if "S" in value else _NUMBER_BYTES)
        for name, value in attributes.items()
    )
