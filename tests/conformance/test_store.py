"""The DynamoDB store does what every ChatKit store must."""

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.store_conformance import StoreConformance
from chatkit_aws.store import DynamoDBStore


class TestDynamoDBStore(StoreConformance):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
        return DynamoDBStore(table_name, dynamodb)
