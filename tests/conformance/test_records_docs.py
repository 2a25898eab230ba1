"""The example in docs/records.md does what it shows."""

import ast
import re
from collections.abc import Iterator
from inspect import CO_COROUTINE
from types import FunctionType
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context
from chat_testing.repository import ROOT
from chatkit_aws.store import create_table

TEXT = (ROOT / "docs" / "records.md").read_text()


@pytest.fixture
def chats(dynamodb: DynamoDBClient, dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table that the example names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb_endpoint)
    create_table("chats", dynamodb)
    yield
    dynamodb.delete_table(TableName="chats")


@pytest.mark.usefixtures("chats")
async def test_example_of_ten_lines_adds_changes_and_lists_a_task() -> None:
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len([line for line in example.splitlines() if line]) == 10
    code = compile(example, "docs/records.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert code.co_flags & CO_COROUTINE
    names: dict[str, Any] = {"__name__": "example", "context": context()}
    await FunctionType(code, names)()
    assert names["page"].data == [names["task"]]
    assert (names["task"].value.text, names["task"].value.done, names["task"].version) == ("Call Bob", True, 2)
