"""The template's own table, made where there is no CloudFormation: tests and template cannot drift apart."""

from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_dynamodb.type_defs import CreateTableInputTypeDef

from chat_testing.repository import TEMPLATE

_KEPT = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
"""Properties that CreateTable names and means as CloudFormation does; the emulator has no keys and no backups."""


@cache
def table_properties() -> dict[str, Any]:
    """The properties of the template's resource `Table`, intrinsic functions unresolved; not to be changed."""
    properties: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]["Table"]["Properties"]
    return properties


def create_table(client: DynamoDBClient, name: str) -> None:
    """Create the template's table under `name`, with its expiry.

    Without its stream: the emulator looks through the shards of all tables there ever were with each write, and what
    a stream's records are to be is in `events/`.
    """
    properties = table_properties()
    definition: CreateTableInputTypeDef = {
        "TableName": name,
        **{kept: properties[kept] for kept in _KEPT if kept in properties},  # type: ignore[typeddict-item]  # as the template has it
    }
    client.create_table(**definition)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
