"""Many rows at once: read with the expired ones, deleted 25 in a request, tried again within bounds."""

import json
from typing import cast

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import answered, error, recorded
from chat_testing.cascade import NOW, World
from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import Row

PATIENCE = Retries(attempts=10, first_wait=0.001, longest_wait=0.001)


@pytest.fixture
def world(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> World:
    return World(table_name, bucket, dynamodb, s3)


def leave_all(request: AWSPreparedRequest) -> AWSResponse:
    """DynamoDB answers that it has done nothing of it."""
    left = {"UnprocessedItems": json.loads(cast("bytes", request.body))["RequestItems"]}
    return answered(json.dumps(left).encode())(request)


@pytest.fixture
def some_rows(world: World) -> list[Key]:
    found = [Key("P#", f"{kind}#{number:03}") for kind in ("A", "B") for number in range(60)]
    world.put(*(Row(key, expires_at=NOW - 1) for key in found))
    return found


async def test_rows_of_a_partition_come_in_order_with_the_expired_ones(world: World, some_rows: list[Key]) -> None:
    world.put(Row(Key("P", "A#1")), Row(Key("P#Q", "A#1")))
    found = [row async for page in world.bulk.rows("P#") for row in page]
    assert [Key(row["pk"]["S"], row["sk"]["S"]) for row in found] == some_rows

    chosen = [
        row async for page in world.bulk.rows("P#", "B#", attributes=("sk", "expires_at", "none")) for row in page
    ]
    assert chosen[0] == {"sk": {"S": "B#000"}, "expires_at": {"N": str(NOW - 1)}}
    assert len(chosen) == 60
    assert [page async for page in world.bulk.rows("none")] == []


async def test_rows_are_deleted_25_in_a_request_and_each_once(world: World, some_rows: list[Key]) -> None:
    with recorded(world.dynamodb) as calls:
        assert await world.bulk.delete([*some_rows, *some_rows]) == 120

    assert calls.operations == ["BatchWriteItem"] * 5
    assert world.rows() == set()


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"]
)
async def test_throttled_delete_is_tried_again(world: World, some_rows: list[Key], code: str) -> None:
    bulk = Bulk(world.name, world.dynamodb, PATIENCE)
    with recorded(world.dynamodb, "BatchWriteItem", *[error(code, 500 if "Internal" in code else 400)] * 20):
        assert await bulk.delete(some_rows) == 120

    assert world.rows() == set()


async def test_what_dynamodb_leaves_is_asked_for_again(world: World, some_rows: list[Key]) -> None:
    bulk = Bulk(world.name, world.dynamodb, PATIENCE)
    with recorded(world.dynamodb, "BatchWriteItem", *[leave_all] * 8) as calls:
        assert await bulk.delete(some_rows) == 120

    assert len(calls.operations) == 5 + 8
    assert world.rows() == set()


async def test_delete_gives_up_within_bounds(world: World, some_rows: list[Key]) -> None:
    bulk = Bulk(world.name, world.dynamodb, Retries(attempts=3, first_wait=0.001, longest_wait=0.001))
    with (
        recorded(world.dynamodb, "BatchWriteItem", *[leave_all] * 100) as calls,
        pytest.raises(StoreUnavailable, match="unprocessed"),
    ):
        await bulk.delete(some_rows)

    assert len(calls.operations) <= 4 * 3
    assert len(world.rows()) == 120


async def test_refused_delete_is_not_tried_again(world: World, some_rows: list[Key]) -> None:
    with (
        recorded(world.dynamodb, "BatchWriteItem", *[error("AccessDeniedException")] * 20) as calls,
        pytest.raises(StoreRefused, match="AccessDenied"),
    ):
        await world.bulk.delete(some_rows)

    assert len(calls.operations) <= 4
