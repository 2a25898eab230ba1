"""The DynamoDB store does what every ChatKit store must."""

from chat_testing.store_conformance import StoreConformance


class TestDynamoDBStore(StoreConformance):
    """On the fixture `store`."""
