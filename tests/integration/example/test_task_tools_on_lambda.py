"""The task tools behind both of Lambda's front doors, whichever the template has."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import mcp
from chat_testing.http_events import rest_event, url_event
from chat_testing.tokens import TokenIssuer
from lambda_streaming import AsgiHandler

type Invoke = Callable[..., Any]
BASES = {
    "rest": "https://abcdef1234.execute-api.eu-central-1.amazonaws.com/v1",
    "url": "https://abcdef.lambda-url.eu-central-1.on.aws",
}
CONTEXT = LambdaContext("request-1", None, None, 32_503_680_000_000, "arn:aws:lambda:eu-central-1:1:function:f")


@pytest.fixture
async def invoke(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Invoke]:
    handler = await asyncio.to_thread(AsgiHandler, mcp.task_tools(table_name, dynamodb, issuer))

    async def send(door: str, path: str, user: str | None, body: str | None = None, method: str = "POST") -> Any:
        signed = [("Authorization", f"Bearer {issuer.mint(user)}")] if user else []
        make = rest_event if door == "rest" else url_event
        event = make(path, method=method, headers=[*mcp.JSON.items(), *signed], body=body)
        return await asyncio.to_thread(handler.buffer, event, CONTEXT)

    yield send
    await asyncio.to_thread(handler.shutdown)


def calling(tool: str, **arguments: Any) -> str:
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


@pytest.mark.parametrize("door", BASES)
async def test_users_have_their_own_tasks_behind_either_door(invoke: Invoke, door: str) -> None:
    added = await invoke(door, "/mcp", "alice", calling("add_task", title="Call Bob"))
    assert added["statusCode"] == 200
    for user, titles in (("alice", ["Call Bob"]), ("bob", [])):
        answer = await invoke(door, "/mcp", user, calling("list_tasks"))
        found = json.loads(answer["body"])["result"]["structuredContent"]["tasks"]
        assert [task["title"] for task in found] == titles


@pytest.mark.parametrize("door", BASES)
async def test_refusals_name_the_address_at_which_the_function_was_called(invoke: Invoke, door: str) -> None:
    refused = await invoke(door, "/mcp", None, calling("list_tasks"))
    headers = {name.lower(): value for name, value in refused["headers"].items()} | {
        name.lower(): values[0] for name, values in refused.get("multiValueHeaders", {}).items()
    }
    assert refused["statusCode"] == 401
    assert f'"{BASES[door]}/.well-known/oauth-protected-resource/mcp"' in headers["www-authenticate"]
    metadata = await invoke(door, "/.well-known/oauth-protected-resource/mcp", None, method="GET")
    assert json.loads(metadata["body"])["resource"] == f"{BASES[door]}/mcp"
    assert (await invoke(door, "/mcp", "alice", method="GET"))["statusCode"] == 405
