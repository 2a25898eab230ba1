"""The parts of a transaction: each is one row's condition, change, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.store.attributes import key_attributes, values_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.store.codec import Row
    from chatkit_aws.store.keys import Key

_LIVE = "attribute_exists(pk) AND (attribute_not_exists(expires_at) OR expires_at > :now)"
_ABSENT = "attribute_not_exists(pk)"
_NOT_EXPIRED = "attribute_not_exists(expires_at) OR expires_at > :now"

# The first time of a row stays, so it keeps its place in every list. `type` and `body` may become reserved words.
UPSERT = "SET by_time = if_not_exists(by_time, :by_time), #type = :type, #body = :body, v = :v"
UPSERT_NAMES = {"#type": "type", "#body": "body"}


def upsert_values(row: Row) -> dict[str, AttributeValueTypeDef]:
    """The values that UPSERT names. Raises ItemTooLarge."""
    return {f":{name}": value for name, value in values_of(row).items()}


@dataclass(frozen=True, slots=True)
class Writes:
    """Makes the parts for one table at one time; `now` is in seconds since the epoch. Rows raise ItemTooLarge."""

    table: str
    now: int

    def require(self, key: Key) -> TransactWriteItemTypeDef:
        """Nothing is written unless the row is there and has not expired."""
        return {
            "ConditionCheck": {
                "TableName": self.table,
                "Key": key_attributes(key),
                "ConditionExpression": _LIVE,
                "ExpressionAttributeValues": self._now,
            }
        }

    def forbid(self, key: Key) -> TransactWriteItemTypeDef:
        """Nothing is written if the row is there."""
        return {
            "ConditionCheck": {
                "TableName": self.table,
                "Key": key_attributes(key),
                "ConditionExpression": _ABSENT,
            }
        }

    def insert(self, row: Row) -> TransactWriteItemTypeDef:
        """A new row; the one that is already there is told if it stops the transaction."""
        return {
            "Put": {
                "TableName": self.table,
                "Item": {**key_attributes(row.key), **values_of(row)},
                "ConditionExpression": _ABSENT,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def upsert(self, row: Row) -> TransactWriteItemTypeDef:
        """A new row, or another body for the one that is there, unless that has expired."""
        return {
            "Update": {
                "TableName": self.table,
                "Key": key_attributes(row.key),
                "UpdateExpression": UPSERT,
                "ConditionExpression": _NOT_EXPIRED,
                "ExpressionAttributeNames": UPSERT_NAMES,
                "ExpressionAttributeValues": {**upsert_values(row), **self._now},
            }
        }

    def delete(self, key: Key) -> TransactWriteItemTypeDef:
        """Remove a row that is there."""
        return {
            "Delete": {
                "TableName": self.table,
                "Key": key_attributes(key),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }

    def mark(self, key: Key, seconds: int) -> TransactWriteItemTypeDef:
        """A row that is nothing but there, for `seconds`."""
        return {
            "Put": {
                "TableName": self.table,
                "Item": {**key_attributes(key), "expires_at": {"N": str(self.now + seconds)}},
            }
        }

    @property
    def _now(self) -> dict[str, AttributeValueTypeDef]:
        return {":now": {"N": str(self.now)}}
