"""ChatKit's store on DynamoDB."""

from chatkit_aws.store.dynamodb import DynamoDBStore

__all__ = ["DynamoDBStore"]
