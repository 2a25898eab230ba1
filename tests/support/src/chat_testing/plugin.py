"""What every test has: a known environment, the emulator, a table of its own."""

import os
import time
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client

from chat_testing import dynamodb_local
from chat_testing.table_definition import create_table
from chatkit_aws.clients import dynamodb_client, kms_client, s3_client

_ENVIRONMENT = {
    "TZ": "UTC",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
pytest.register_assert_rewrite("chat_testing.store_conformance")

_UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL")


def pytest_configure() -> None:
    """Run in UTC as Lambda does, with credentials that open nothing, and the same examples every time."""
    os.environ.update(_ENVIRONMENT)
    for name in _UNSET:
        os.environ.pop(name, None)
    time.tzset()
    # Examples share the machine with emulators, and function fixtures (a table) are shared by them on purpose.
    settings.register_profile(
        "repeatable",
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that Lambda has."""
    return "asyncio"


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    """DynamoDB Local, one process for the whole session."""
    with dynamodb_local.running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def dynamodb(dynamodb_endpoint: str) -> DynamoDBClient:
    """A client of DynamoDB Local with the settings of production."""
    return dynamodb_client(dynamodb_endpoint)


@pytest.fixture
def table_name(dynamodb: DynamoDBClient) -> Iterator[str]:
    """The template's table, fresh and empty."""
    name = f"test-{uuid.uuid4().hex}"
    create_table(dynamodb, name)
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """S3, KMS and Secrets Manager; what a test makes there stays, so its names must be its own."""
    from chat_testing import aws_local  # takes a second, which suites without it do not wait for

    with aws_local.running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def s3(aws_endpoint: str) -> S3Client:
    """A client of the local S3 with the settings of production."""
    return s3_client(aws_endpoint)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A bucket of the test's own, empty."""
    from chat_testing import aws_local

    return aws_local.make_bucket(s3)


@pytest.fixture(scope="session")
def kms(aws_endpoint: str) -> KMSClient:
    """A client of the local KMS with the settings of production; it has no keys yet (`aws_local.make_key`)."""
    return kms_client(aws_endpoint)
