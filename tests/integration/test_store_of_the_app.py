"""The application's store does what the template's parameters say."""

import uuid
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client

from chat_api.settings import Settings
from chat_api.storage import create_store
from chat_testing.app import settings_for
from chat_testing.aws_local import make_key
from chat_testing.builders import context, incompressible, thread, user_message
from chatkit_aws.store import bodies

OWNER = context()


@pytest.fixture
def settings(
    monkeypatch: pytest.MonkeyPatch, dynamodb_endpoint: str, aws_endpoint: str, table_name: str, bucket: str
) -> Settings:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws_endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", aws_endpoint)
    return settings_for(table_name, "http://127.0.0.1/jwks").model_copy(update={"bucket_name": bucket})


async def write(settings: Settings, text: str = "Hello") -> None:
    store = create_store(settings)
    await store.save_thread(thread(), OWNER)
    await store.add_thread_item("thr_1", user_message(text), OWNER)


def rows(dynamodb: DynamoDBClient, settings: Settings) -> dict[str, Any]:
    """The rows by the kind in their sort keys."""
    return {row["sk"]["S"][:4]: row for row in dynamodb.scan(TableName=settings.table_name)["Items"]}


@pytest.mark.parametrize(("days", "expires"), [(0, False), (365, True)])
async def test_retention_is_the_parameters(
    settings: Settings, dynamodb: DynamoDBClient, days: int, *, expires: bool
) -> None:
    await write(settings.model_copy(update={"retention_days": days}))
    assert [("expires_at" in row) for row in rows(dynamodb, settings).values()] == [expires] * 3


async def test_large_item_goes_to_the_stacks_bucket(settings: Settings, s3: S3Client) -> None:
    await write(settings, incompressible(200_000))
    assert s3.list_objects_v2(Bucket=settings.bucket_name)["KeyCount"] == 1


async def test_bodies_are_sealed_where_tenants_have_keys_and_only_there(
    settings: Settings, dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    await write(settings)
    assert rows(dynamodb, settings)["ITM#"]["body"]["B"][0] == bodies.PLAIN
    pattern = f"alias/{uuid.uuid4().hex}-{{tenant}}"
    make_key(kms, pattern.format(tenant="tenant-1"))
    store = create_store(settings.model_copy(update={"tenant_keys": pattern}))
    await store.save_item("thr_1", user_message("Sealed"), OWNER)
    assert rows(dynamodb, settings)["ITM#"]["body"]["B"][0] == bodies.SEALED
    assert await store.load_item("thr_1", "msg_1", OWNER) == user_message("Sealed")
