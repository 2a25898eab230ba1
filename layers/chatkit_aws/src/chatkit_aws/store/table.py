"""The table as the store uses it: boto3 calls off the event loop, collisions retried, errors by cause."""

from __future__ import annotations

import sys
import uuid
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from chatkit_aws.errors import LeaseLost
from chatkit_aws.store import calls
from chatkit_aws.store.calls import PASSING, Calls
from chatkit_aws.store.retries import Contended, Retries
from chatkit_aws.store.rows import key_attributes, position_attributes, row_of
from chatkit_aws.store.writes import NOT_EXPIRED, Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import (
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
        UpdateItemOutputTypeDef,
    )

    from chatkit_aws.store.keys import Key
    from chatkit_aws.store.lease import Taking
    from chatkit_aws.store.rows import Attributes, Row

_MOST_ROWS = 1_000
"""Rows asked for at once; a page of a query ends at 1 MB in any case."""

THREADS = 16
"""Calls at the same time; each takes one of the client's connections."""

_CONTENDED = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})


class ConditionFailed(Exception):
    """A condition stopped a write; nothing was written. `rows` has a place for each part.

    False is a part that did not fail. One that failed has the row it met, or None where there is no row. `met` is all
    that this row has, where one part was written alone.
    """

    def __init__(self, rows: tuple[Row | Literal[False] | None, ...], met: Attributes | None = None) -> None:
        """Take what each part met."""
        super().__init__("a condition failed")
        self.rows = rows
        self.met = met


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of a partition whose sort key, with `index` that of the index, begins with `prefix`."""

    pk: str
    prefix: str
    index: bool = False


class Table:
    """Reads and writes rows. Reads are strongly consistent unless asked otherwise; none returns a row that expired."""

    def __init__(self, name: str, client: DynamoDBClient, clock: Callable[[], float], retries: Retries) -> None:
        """Use the table `name`; `clock` gives seconds since the epoch."""
        self._name = name
        self._client = client
        calls.watch(client)
        self._clock = clock
        self._retries = retries
        self._lease: Taking | None = None
        self._calls = Calls("DynamoDB", THREADS, self._cause_of)

    def under(self, lease: Taking) -> Table:
        """The same table, whose transactions require the lease: they raise LeaseLost, or what taking it raised."""
        table = copy(self)
        table._lease = lease
        return table

    @property
    def writes(self) -> Writes:
        """The parts that a transaction can have now."""
        return Writes(self._name, self._now)

    async def get(self, key: Key, *, consistent: bool = True) -> Row | None:
        """The row at `key`, if there is one; else as it was a moment ago, which costs half."""
        name, attributes = self._name, key_attributes(key)
        request = partial(self._client.get_item, TableName=name, Key=attributes, ConsistentRead=consistent)
        answer = await self._call(request)
        row = row_of(answer["Item"]) if "Item" in answer else None
        return row if row and not self._has_expired(row) else None

    async def query(self, span: Span, count: int, *, forward: bool, start: Row | None = None) -> list[Row]:
        """Up to `count` rows in their order, from behind `start`.

        A page of DynamoDB's ends at 1 MB, or has fewer rows where some have expired; then the next one is read.
        """
        request = self._query(span, start, forward=forward)
        rows: list[Row] = []
        while len(rows) < count:
            request["Limit"] = min(count - len(rows) + (start is not None), _MOST_ROWS)
            answer = await self._call(partial(self._client.query, **request))
            rows += (row for row in map(row_of, answer["Items"]) if start is None or row.key != start.key)
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return rows[:count]

    async def all(self, span: Span) -> list[Row]:
        """Every row, in order."""
        return await self.query(span, sys.maxsize, forward=True)

    async def write(self, part: TransactWriteItemTypeDef) -> None:
        """Write one part alone, which costs half. Raises ConditionFailed."""
        [(action, request)] = part.items()
        requests: dict[str, Callable[..., object]] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        await self._call(partial(requests[action], **cast("dict[str, Any]", request)))

    async def update(self, part: TransactWriteItemTypeDef) -> Attributes:
        """Change one row alone, or make it; all that it has then. Raises ConditionFailed."""
        return (await self._update(part, "ALL_NEW"))["Attributes"]

    async def replace(self, part: TransactWriteItemTypeDef) -> Row | None:
        """The same, and what the row was before, also where it has expired. Raises ConditionFailed."""
        attributes = (await self._update(part, "ALL_OLD")).get("Attributes")
        return row_of(attributes) if attributes else None

    async def transact(self, *parts: TransactWriteItemTypeDef) -> None:
        """Write all parts or none. Raises ConditionFailed.

        The token makes a repetition of a write that was carried out a success instead of a second write.
        """
        token = uuid.uuid4().hex
        if self._lease is not None:
            lease = await self._lease.taken()
            parts = (*parts, lease.required(self.writes))
        request = partial(self._client.transact_write_items, TransactItems=parts, ClientRequestToken=token)
        try:
            await self._call(request)
        except ConditionFailed as failed:
            if self._lease is None:
                raise
            *rows, latest = failed.rows
            if latest is not False:
                raise LeaseLost from None
            raise ConditionFailed(tuple(rows)) from None

    async def _update(
        self, part: TransactWriteItemTypeDef, values: Literal["ALL_NEW", "ALL_OLD"]
    ) -> UpdateItemOutputTypeDef:
        request = cast("UpdateItemInputTypeDef", {**part["Update"], "ReturnValues": values})
        return await self._call(partial(self._client.update_item, **request))

    def _query(self, span: Span, start: Row | None, *, forward: bool) -> QueryInputTypeDef:
        """From `start` on, which is among the rows then.

        The bounds are the condition's, not ExclusiveStartKey's, before which DynamoDB Local reads everything.
        """
        sort_key = "by_time" if span.index else "sk"
        first, last = span.prefix, span.prefix[:-1] + chr(ord(span.prefix[-1]) + 1)
        if start:
            position = position_attributes(start)[sort_key]["S"]
            first, last = (position, last) if forward else (first, position)
        request: QueryInputTypeDef = {
            "TableName": self._name,
            "ConsistentRead": True,
            "KeyConditionExpression": f"pk = :pk AND {sort_key} BETWEEN :first AND :last",
            "FilterExpression": NOT_EXPIRED,
            "ExpressionAttributeValues": {
                ":pk": {"S": span.pk},
                ":first": {"S": first},
                ":last": {"S": last},
                ":now": {"N": str(self._now)},
            },
            "ScanIndexForward": forward,
        }
        if span.index:
            request["IndexName"] = "by_time"
        return request

    async def _call[T](self, request: Callable[[], T]) -> T:
        return await self._retries.run(lambda: self._calls.run(request))

    @property
    def _now(self) -> int:
        return int(self._clock())

    def _has_expired(self, row: Row) -> bool:
        return row.expires_at is not None and row.expires_at <= self._now

    def _cause_of(self, response: Mapping[str, Any]) -> Exception:
        """The error that a failed call is to raise."""
        reasons = response.get("CancellationReasons", [])
        codes = {reason["Code"] for reason in reasons if reason["Code"] != "None"} or {response["Error"]["Code"]}
        if "ConditionalCheckFailed" in codes:
            return ConditionFailed(tuple(map(_met, reasons)))
        if "ConditionalCheckFailedException" in codes:
            met = response.get("Item")
            return ConditionFailed((row_of(met) if met else None,), met)
        # botocore tries a request again that is throttled, but not a transaction one part of which is.
        if codes <= (_CONTENDED | PASSING if reasons else _CONTENDED):
            return Contended(f"DynamoDB answered {', '.join(sorted(codes))}")
        # A conflict among other reasons passes as they do.
        return self._calls.cause(codes - _CONTENDED, response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _met(reason: Mapping[str, Any]) -> Row | Literal[False] | None:
    """What a part of a transaction met."""
    if reason["Code"] != "ConditionalCheckFailed":
        return False
    return row_of(reason["Item"]) if "Item" in reason else None
