"""The table as the store uses it: boto3 calls off the event loop, collisions retried, errors by cause."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store.attributes import key_attributes, position_attributes, row_of
from chatkit_aws.store.retries import Contended, Retries
from chatkit_aws.store.writes import UPSERT, UPSERT_NAMES, Writes, upsert_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import QueryInputTypeDef, TransactWriteItemTypeDef

    from chatkit_aws.store.codec import Row
    from chatkit_aws.store.keys import Key

THREADS = 16
"""Calls at the same time; each takes one of the client's connections."""

_CONTENDED = {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}
_UNAVAILABLE = {
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
}


class ConditionFailed(Exception):
    """A condition stopped a transaction; nothing was written. `rows` has a place for each part.

    False is a part that did not fail. One that failed has the row it met, or True where that row was not asked for.
    """

    def __init__(self, rows: tuple[Row | bool, ...]) -> None:
        """Take what each part met."""
        super().__init__("a condition failed")
        self.rows = rows


class Table:
    """Reads and writes rows. Every read is strongly consistent and none returns a row that has expired."""

    def __init__(self, name: str, client: DynamoDBClient, clock: Callable[[], float], retries: Retries) -> None:
        """Use the table `name`; `clock` gives seconds since the epoch."""
        self._name = name
        self._client = client
        self._clock = clock
        self._retries = retries
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="dynamodb")

    @property
    def writes(self) -> Writes:
        """The parts that a transaction can have now."""
        return Writes(self._name, self._now)

    async def get(self, key: Key) -> Row | None:
        """The row at `key`, if there is one."""
        request = partial(self._client.get_item, TableName=self._name, Key=key_attributes(key), ConsistentRead=True)
        answer = await self._call(request)
        row = row_of(answer["Item"]) if "Item" in answer else None
        return row if row and not self._has_expired(row) else None

    async def query(self, pk: str, kind: str, count: int, *, forward: bool, start: Row | None = None) -> list[Row]:
        """Up to `count` rows of a partition in the order of their times, from behind `start`.

        A page of DynamoDB's ends at 1 MB, or has fewer rows where some have expired; then the next one is read.
        """
        request: QueryInputTypeDef = {
            "TableName": self._name,
            "IndexName": "by_time",
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk AND begins_with(by_time, :kind)",
            "FilterExpression": "attribute_not_exists(expires_at) OR expires_at > :now",
            "ExpressionAttributeValues": {":pk": {"S": pk}, ":kind": {"S": kind}, ":now": {"N": str(self._now)}},
            "ScanIndexForward": forward,
        }
        if start:
            request["ExclusiveStartKey"] = position_attributes(start)
        rows: list[Row] = []
        while len(rows) < count:
            request["Limit"] = count - len(rows)
            answer = await self._call(partial(self._client.query, **request))
            rows += map(row_of, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return rows

    async def upsert(self, row: Row) -> None:
        """Write a row that depends on no other; its first place in time stays. Raises ItemTooLarge."""
        await self._call(
            partial(
                self._client.update_item,
                TableName=self._name,
                Key=key_attributes(row.key),
                UpdateExpression=UPSERT,
                ExpressionAttributeNames=UPSERT_NAMES,
                ExpressionAttributeValues=upsert_values(row),
            )
        )

    async def delete(self, key: Key) -> None:
        """Remove the row at `key`, if there is one."""
        await self._call(partial(self._client.delete_item, TableName=self._name, Key=key_attributes(key)))

    async def transact(self, *parts: TransactWriteItemTypeDef) -> None:
        """Write all parts or none. Raises ConditionFailed.

        The token makes a repetition of a write that was carried out a success instead of a second write.
        """
        token = uuid.uuid4().hex
        await self._call(partial(self._client.transact_write_items, TransactItems=parts, ClientRequestToken=token))

    async def _call[T](self, request: Callable[[], T]) -> T:
        return await self._retries.run(lambda: self._attempt(request))

    async def _attempt[T](self, request: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, partial(copy_context().run, request))
        except ClientError as error:
            raise _cause_of(error.response) from error
        except BotoCoreError as error:
            message = f"DynamoDB did not answer: {type(error).__name__}"
            raise StoreUnavailable(message) from error

    @property
    def _now(self) -> int:
        return int(self._clock())

    def _has_expired(self, row: Row) -> bool:
        return row.expires_at is not None and row.expires_at <= self._now


def _cause_of(response: Mapping[str, Any]) -> Exception:
    """The error that a failed call is to raise; its message names codes only, since DynamoDB's may quote values."""
    reasons = [reason for reason in response.get("CancellationReasons", []) if reason["Code"] != "None"]
    codes = {reason["Code"] for reason in reasons} or {response["Error"]["Code"]}
    if "ConditionalCheckFailed" in codes:
        return ConditionFailed(tuple(map(_met, response["CancellationReasons"])))
    message = f"DynamoDB answered {', '.join(sorted(codes))}"
    if codes <= _CONTENDED:
        return Contended(message)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if codes & (_UNAVAILABLE | _CONTENDED) or status >= 500:  # noqa: PLR2004
        return StoreUnavailable(message)
    return StoreRefused(message)


def _met(reason: Mapping[str, Any]) -> Row | bool:
    """What a part of a transaction met: a row, True for a failed condition without one, False for no failure."""
    if reason["Code"] != "ConditionalCheckFailed":
        return False
    return row_of(reason["Item"]) if "Item" in reason else True
