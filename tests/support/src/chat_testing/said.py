"""What runs have said so far, as their logs have it."""

import asyncio

from types_boto3_dynamodb.client import DynamoDBClient

from chatkit_aws.store import keys
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.rows import row_of

PATIENCE_SECONDS = 30.0


async def wait_until_said(text: str, table_name: str, dynamodb: DynamoDBClient) -> None:
    """Wait until a run in the table has said a text. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text.encode() not in await _said(table_name, dynamodb):  # noqa: ASYNC110 - it is the table that changes
            await asyncio.sleep(0.02)


async def _said(table_name: str, dynamodb: DynamoDBClient) -> bytes:
    rows = [row_of(row) for row in dynamodb.scan(TableName=table_name, ConsistentRead=True)["Items"]]
    events = [row for row in rows if row.key.sk.startswith(keys.EVENT)]
    return b"".join([await Bodies().open(row.body or b"", Scope("default", None), row.key) for row in events])
