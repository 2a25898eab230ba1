"""The deployed MCP server, with two users' tokens."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from chat_testing.deployed import TIMEOUT, Deployment
from chat_testing.mcp import McpClient
from local_cloud.users import Tokens


@pytest.fixture
async def http(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    endpoint, host = deployment.stack.cloud.endpoint, {"Host": deployment.stack.mcp_host}
    async with httpx2.AsyncClient(base_url=endpoint, headers=host, timeout=TIMEOUT, trust_env=False) as http:
        yield http


async def test_users_have_their_own_tasks(http: httpx2.AsyncClient, alice: Tokens, bob: Tokens) -> None:
    hers, his = McpClient(http, alice.access), McpClient(http, bob.access)
    task = await hers.call("add_task", title="Call Bob", due_date="2026-12-01")
    listed = [{found["id"] for found in (await user.call("list_tasks"))["tasks"]} for user in (hers, his)]
    assert task["id"] in listed[0]
    assert listed[0].isdisjoint(listed[1])
    assert (await his.call("delete_task", task_id=task["id"])).startswith("Nothing was done")
    assert await hers.call("delete_task", task_id=task["id"]) == {"id": task["id"]}


async def test_who_has_no_access_token_is_refused(http: httpx2.AsyncClient, alice: Tokens) -> None:
    for token in (None, "not.a.token", alice.identity):
        refused = await McpClient(http, token).post(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
        assert refused.status_code == 401
        assert "resource_metadata=" in refused.headers["www-authenticate"]
    assert (await http.get("/mcp")).status_code == 405
