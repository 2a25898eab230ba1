"""The example in the layer's README runs as it stands, and the table it makes is the template's."""

import re
import subprocess
import sys
from typing import Any

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.repository import ROOT
from chat_testing.table_definition import table_properties
from chatkit_aws.store import create_table

README = ROOT / "layers" / "chatkit_aws" / "README.md"


def example() -> str:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    return str(code)


def test_example_of_ten_lines_stores_and_lists_a_thread(dynamodb: DynamoDBClient, dynamodb_endpoint: str) -> None:
    assert len([line for line in example().splitlines() if line]) == 10
    environment = {"AWS_ENDPOINT_URL": dynamodb_endpoint, "AWS_DEFAULT_REGION": "eu-central-1"}
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    try:
        ran = subprocess.run(
            [sys.executable, "-c", example()], env=environment | keys, capture_output=True, text=True, check=False
        )
    finally:
        dynamodb.delete_table(TableName="chats")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "title='Hello'" in ran.stdout


def test_table_is_the_templates(dynamodb: DynamoDBClient, table_name: str) -> None:
    create_table("made-by-the-helper", dynamodb)
    try:
        made, template = (described(dynamodb, name) for name in ("made-by-the-helper", table_name))
        stream = dynamodb.describe_table(TableName="made-by-the-helper")["Table"]["StreamSpecification"]
    finally:
        dynamodb.delete_table(TableName="made-by-the-helper")
    assert made == template
    assert stream == {"StreamEnabled": True, **table_properties()["StreamSpecification"]}


def described(dynamodb: DynamoDBClient, name: str) -> list[Any]:
    table: Any = dynamodb.describe_table(TableName=name)["Table"]
    [index] = table["LocalSecondaryIndexes"]
    return [
        sorted(table["AttributeDefinitions"], key=repr),
        table["KeySchema"],
        table["BillingModeSummary"]["BillingMode"],
        [index[part] for part in ("IndexName", "KeySchema", "Projection")],
        dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
    ]
