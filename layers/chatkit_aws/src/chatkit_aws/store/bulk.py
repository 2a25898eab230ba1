"""Many rows at once: all of a partition, expired or not, read page by page and deleted 25 in a request."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store.calls import Calls
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retries import Contended, Retries
from chatkit_aws.store.rows import key_attributes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputTypeDef,
        WriteRequestOutputTypeDef,
        WriteRequestTypeDef,
    )

    type Attributes = Mapping[str, AttributeValueTypeDef]

BATCH = 25
"""The most that DynamoDB deletes at once (API reference, BatchWriteItem)."""
REQUESTS = 4
"""Deletes at the same time. DynamoDB writes 1,000 units a second into one partition, which four fill several times
over; more would only be throttled more."""
PATIENCE = Retries(attempts=40, first_wait=0.05, longest_wait=1.0, budget=30.0)
"""For one request; what DynamoDB left of it and what it throttled is tried again."""

_CONFLICTS = frozenset({"TransactionConflictException", "TransactionInProgressException"})


class Bulk:
    """Reads and deletes the rows of a partition. All raise StoreUnavailable, StoreRefused.

    It may be stopped or killed at any moment: what is deleted stays deleted, and doing it all again does the rest.
    """

    def __init__(self, table: str, client: DynamoDBClient, retries: Retries = PATIENCE) -> None:
        """Use the table with that name."""
        self._table = table
        self._client = client
        self._retries = retries
        self._calls = Calls("DynamoDB", REQUESTS, self._cause_of)

    async def rows(
        self, pk: str, prefix: str = "", *, attributes: Sequence[str] = ("pk", "sk")
    ) -> AsyncIterator[list[Attributes]]:
        """The rows of a partition whose sort keys begin with `prefix`, in order: pages that are not empty.

        Only `attributes` of each. Rows that have expired are among them. A page is 1 MB of rows at most, and its
        rows may be deleted before the next one is asked for.
        """
        request = self._query(pk, prefix, attributes)
        while True:
            answer = await self._run(partial(self._client.query, **request))
            if answer["Items"]:
                yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def delete(self, keys: Iterable[Key]) -> int:
        """Delete rows, and say how many; one that is not there is no error. Where it raises, some may be gone."""
        batches = batched(dict.fromkeys(keys), BATCH, strict=False)
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(self._work(batches)) for _ in range(REQUESTS)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return sum(worker.result() for worker in workers)

    async def _work(self, batches: Iterator[tuple[Key, ...]]) -> int:
        """Take a batch after the other from those that are left."""
        count = 0
        for batch in batches:
            await self._delete(batch)
            count += len(batch)
        return count

    async def _delete(self, batch: Sequence[Key]) -> None:
        left: Sequence[WriteRequestTypeDef | WriteRequestOutputTypeDef] = [
            {"DeleteRequest": {"Key": key_attributes(key)}} for key in batch
        ]

        async def attempt() -> None:
            nonlocal left
            request = partial(self._client.batch_write_item, RequestItems={self._table: left})
            left = (await self._calls.run(request)).get("UnprocessedItems", {}).get(self._table, [])
            if left:
                message = f"DynamoDB left {len(left)} rows unprocessed"
                raise Contended(message)

        await self._retries.run(attempt)

    def _query(self, pk: str, prefix: str, attributes: Sequence[str]) -> QueryInputTypeDef:
        names = {f"#{number}": name for number, name in enumerate(attributes)}
        values: dict[str, AttributeValueTypeDef] = {":pk": {"S": pk}}
        condition = "pk = :pk"
        if prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": prefix}
        return {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
        }

    async def _run(self, request: Any) -> Any:
        return await self._retries.run(lambda: self._calls.run(request))

    def _cause_of(self, response: Mapping[str, Any]) -> Exception:
        """Whatever may pass is tried again here: nobody waits for these requests."""
        if response["Error"]["Code"] in _CONFLICTS:
            return Contended("DynamoDB answered that a transaction is using a row")
        cause = self._calls.cause_of_answer(response)
        return Contended(str(cause)) if isinstance(cause, StoreUnavailable) else cause


def key_of(attributes: Attributes) -> Key:
    """The key of a row that `rows` gave."""
    return Key(attributes["pk"]["S"], attributes["sk"]["S"])
