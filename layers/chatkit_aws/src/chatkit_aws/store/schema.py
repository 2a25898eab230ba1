"""The table that the store works on, for tests and small projects; `template.yaml` describes the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit_aws import clients

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import CreateTableInputTypeDef


def create_table(table_name: str, client: DynamoDBClient | None = None) -> None:
    """Create the table and wait until it is there, with expiry and a stream for cleanup; raises botocore's ClientError.

    For production let a template do it: with a key of your own, backups and protection against deletion.
    """
    client = client or clients.dynamodb_client()
    client.create_table(**_definition(table_name))
    client.get_waiter("table_exists").wait(TableName=table_name, WaiterConfig={"Delay": 1})
    expiry = {"AttributeName": "expires_at", "Enabled": True}
    client.update_time_to_live(TableName=table_name, TimeToLiveSpecification=expiry)  # type: ignore[arg-type]  # a dict


def _definition(table_name: str) -> CreateTableInputTypeDef:
    return {
        "TableName": table_name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "by_time", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": "by_time",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "by_time", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
