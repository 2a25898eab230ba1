"""What several suites run on."""

from pathlib import Path

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.rights import ALICE, REASON, Place
from chatkit_aws.store import DynamoDBStore


@pytest.fixture
def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb)


@pytest.fixture
def place(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> Place:
    return Place(table_name, bucket, dynamodb, s3)


@pytest.fixture
async def archive(place: Place, tmp_path: Path) -> Path:
    """Alice's data."""
    await place.fill(ALICE)
    await place.rights.export(ALICE, path := tmp_path / "alice.zip", REASON)
    return path
