"""A look at the whole table, for rows whose partition nothing names any more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store.bulk import PATIENCE, key_of
from chatkit_aws.store.calls import Calls
from chatkit_aws.store.retries import Contended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.keys import Key


async def partitions_of(storage: Storage, prefix: str) -> AsyncIterator[list[Key]]:
    """The keys of all rows whose partition's name begins with `prefix`, in pages.

    DynamoDB reads, and charges for, every row that the table has. Raises StoreUnavailable, StoreRefused.
    """
    calls = Calls("DynamoDB", 1)
    request: partial[Any] = partial(
        storage.client.scan,
        TableName=storage.name,
        ConsistentRead=True,
        FilterExpression="begins_with(pk, :prefix)",
        ExpressionAttributeValues={":prefix": {"S": prefix}},
        ProjectionExpression="pk, sk",
    )

    async def attempt() -> Any:
        try:
            return await calls.run(request)
        except StoreUnavailable as error:
            raise Contended(str(error)) from error

    while True:
        answer = await PATIENCE.run(attempt)
        if answer["Items"]:
            yield [key_of(row) for row in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return
        request = partial(request, ExclusiveStartKey=answer["LastEvaluatedKey"])
