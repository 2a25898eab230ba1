"""A record of a use of somebody's data, and the row that holds it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chatkit_aws.store.rows import key_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.store.keys import Key

type Action = Literal["export", "import", "erase", "hold place", "hold lift", "hold show", "audit"]
type Outcome = Literal["begun", "done", "refused", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the record; `use` is common to the first and the last of one use.

    `detail` is the class of an error, or the digest of an archive. A use without a last record was cut off. `user` is
    empty for a look at the records themselves.
    """

    at: str
    use: str
    outcome: Outcome
    action: Action
    tenant: str
    user: str
    actor: str
    reason: str
    detail: str = ""
    counts: dict[str, int] = field(default_factory=dict)


ATTRIBUTES = tuple(each.name for each in dataclasses.fields(Record))
"""Names of a row's attributes, each a text."""


def put(table: str, key: Key, record: Record) -> TransactWriteItemTypeDef:
    """The record as a new row: none is ever written in the place of another."""
    texts = {name: str(getattr(record, name)) for name in ATTRIBUTES if name != "counts"}
    row: dict[str, AttributeValueTypeDef] = {name: {"S": text} for name, text in texts.items()}
    row["counts"] = {"S": json.dumps(record.counts)}
    condition = "attribute_not_exists(pk)"
    return {"Put": {"TableName": table, "Item": {**key_attributes(key), **row}, "ConditionExpression": condition}}


def record_of(row: Mapping[str, AttributeValueTypeDef]) -> Record:
    """The record in a row."""
    texts: dict[str, Any] = {name: row[name]["S"] for name in ATTRIBUTES}
    return Record(**{**texts, "counts": json.loads(texts["counts"])})
