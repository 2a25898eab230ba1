"""ChatKit's store on DynamoDB."""

from chatkit_aws.store.dynamodb import DynamoDBStore
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.schema import create_table

__all__ = ["DynamoDBStore", "Retention", "create_table"]
