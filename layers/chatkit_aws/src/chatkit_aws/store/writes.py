"""The parts of a transaction: each is one row's condition, change, or both. A failed condition tells the row it met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from chatkit_aws.store.rows import key_attributes, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.store.keys import Key
    from chatkit_aws.store.rows import Row

    type Part = TransactWriteItemTypeDef
    type Values = Mapping[str, AttributeValueTypeDef]

NOT_EXPIRED = "(attribute_not_exists(expires_at) OR expires_at > :now)"
LIVE = f"attribute_exists(pk) AND {NOT_EXPIRED}"
FREE = "attribute_not_exists(held_since)"
HELD = "attribute_exists(held_since)"
LASTING = "attribute_not_exists(expires_at)"
EXPIRING = "attribute_exists(expires_at)"
PRESENT = "attribute_exists(pk)"
ABSENT = "attribute_not_exists(pk)"
GONE = f"{ABSENT} OR expires_at <= :now"
ANY = f"{PRESENT} OR {ABSENT}"

NAMES = {"#body": "body", "#object": "object"}
"""Names that are reserved words of DynamoDB's, or may become some."""


@dataclass(frozen=True, slots=True)
class Writes:
    """Makes the parts for one table at one time; `now` is in seconds since the epoch. Rows raise ItemTooLarge."""

    table: str
    now: int

    def check(self, key: Key, condition: str, values: Values | None = None) -> Part:
        """Nothing is written unless the row meets the condition."""
        return _part("ConditionCheck", self._on(key), self._if(condition, values))

    def put(self, row: Row, condition: str | None = None, values: Values | None = None) -> Part:
        """A row, in the place of what may be there."""
        item = {"TableName": self.table, "Item": {**key_attributes(row.key), **values_of(row)}}
        return _part("Put", item, self._if(condition, values))

    def delete(self, key: Key, condition: str | None = None, values: Values | None = None) -> Part:
        """Remove a row."""
        return _part("Delete", self._on(key), self._if(condition, values))

    def update(
        self, key: Key, change: str, condition: str, values: Values, names: Mapping[str, str] | None = None
    ) -> Part:
        """Change a row, or make one; `names` are attributes whose names are not known before."""
        named = {**_names(change + condition), **(names or {})}
        expression = {"UpdateExpression": change, **({"ExpressionAttributeNames": named} if named else {})}
        return _part("Update", self._on(key), self._if(condition, values), expression)

    def expire(self, key: Key, expires_at: int | None, condition: str) -> Part:
        """Move a row's expiry; without one, only see to the condition."""
        if expires_at is None:
            return self.check(key, condition)
        return self.update(key, "SET expires_at = :expires_at", condition, {":expires_at": {"N": str(expires_at)}})

    def _on(self, key: Key) -> dict[str, Any]:
        return {"TableName": self.table, "Key": key_attributes(key)}

    def _if(self, condition: str | None, values: Values | None = None) -> dict[str, Any]:
        if condition is None:
            return {}
        bound: dict[str, AttributeValueTypeDef] = dict(values or {})
        if ":now" in condition:
            bound[":now"] = {"N": str(self.now)}
        met: dict[str, Any] = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if named := _names(condition):
            met["ExpressionAttributeNames"] = named
        return {**met, "ExpressionAttributeValues": bound} if bound else met


def _names(expression: str) -> dict[str, str]:
    return {alias: name for alias, name in NAMES.items() if alias in expression}


def _part(action: str, *requests: dict[str, Any]) -> Part:
    return cast("Part", {action: {name: value for request in requests for name, value in request.items()}})
