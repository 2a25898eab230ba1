"""The store that the whole-server suites run on."""

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chatkit_aws.store import DynamoDBStore


@pytest.fixture
def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb)
