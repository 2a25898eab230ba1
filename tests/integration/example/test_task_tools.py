"""The tasks as an MCP server: each user's own, by their token, and nothing without one."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.assistant.tasks import MAX_TASKS, Tasks
from chat_testing import mcp
from chat_testing.builders import context
from chat_testing.mcp import McpClient
from chat_testing.tokens import ISSUER, SCOPE, TokenIssuer
from chat_testing.web import serving_here
from chatkit_aws.store import DynamoDBStore
from task_tools.body import MAX_BODY
from task_tools.tools import MOST_LISTED

METADATA = "https://tools.example.com/.well-known/oauth-protected-resource/mcp"
NO_TASK = "Nothing was done: there is no task with this id. list_tasks tells the ids."
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()


@pytest.fixture
async def http(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with mcp.serving(mcp.task_tools(table_name, dynamodb, issuer)) as http:
        yield http


@pytest.fixture
def alice(http: httpx2.AsyncClient, issuer: TokenIssuer) -> McpClient:
    return McpClient(http, issuer.mint("alice"))


@pytest.fixture
def bob(http: httpx2.AsyncClient, issuer: TokenIssuer) -> McpClient:
    return McpClient(http, issuer.mint("bob"))


def tasks_of(table_name: str, dynamodb: DynamoDBClient, user: str = "alice") -> Tasks:
    """A user's tasks as the chat's assistant has them."""
    return Tasks(DynamoDBStore(table_name, dynamodb), context(user, "default"))


async def titles(client: McpClient, **arguments: Any) -> list[str]:
    return [task["title"] for task in (await client.call("list_tasks", **arguments))["tasks"]]


async def test_task_lives_as_in_the_chat(alice: McpClient, table_name: str, dynamodb: DynamoDBClient) -> None:
    kept = tasks_of(table_name, dynamodb)
    added = await alice.call("add_task", title=" Call Bob ", due_date="2026-12-01")
    assert [task.model_dump(mode="json") for task in await kept.all()] == [added]
    assert added == {"id": added["id"], "title": "Call Bob", "due": "2026-12-01", "done": False}
    assert (await alice.call("complete_task", task_id=added["id"]))["done"] is True
    assert await titles(alice, open_only=True) == []
    assert (await alice.call("complete_task", task_id=added["id"], done=False))["done"] is False
    changed = await alice.call("update_task", task_id=added["id"], title="Call Ann", remove_due_date=True)
    assert (changed["title"], changed["due"]) == ("Call Ann", None)
    assert await titles(alice) == ["Call Ann"]
    assert await alice.call("delete_task", task_id=added["id"]) == {"id": added["id"]}
    assert await kept.all() == []


async def test_users_see_and_change_their_own_tasks_only(alice: McpClient, bob: McpClient, issuer: TokenIssuer) -> None:
    other = McpClient(alice.http, issuer.mint("alice", tenant="elsewhere"))
    secret = (await alice.call("add_task", title="A secret"))["id"]
    for stranger in (bob, other):
        assert await titles(stranger) == []
        for task_id in (secret, "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB", "../alice"):
            assert await stranger.call("complete_task", task_id=task_id) == NO_TASK
            assert await stranger.call("update_task", task_id=task_id, title="Mine") == NO_TASK
            assert await stranger.call("delete_task", task_id=task_id) == NO_TASK
    assert await titles(alice) == ["A secret"]


async def test_requests_at_once_do_not_mix_users(http: httpx2.AsyncClient, issuer: TokenIssuer) -> None:
    users = {name: McpClient(http, issuer.mint(name)) for name in (f"user-{number}" for number in range(12))}
    added = [client.call("add_task", title=name) for name, client in users.items() for _ in range(3)]
    await asyncio.gather(*added)
    listed = await asyncio.gather(*(titles(client) for client in users.values()))
    assert dict(zip(users, listed, strict=True)) == {name: [name] * 3 for name in users}


async def test_tools_say_what_they_take_give_and_do(alice: McpClient) -> None:
    tools = {tool["name"]: tool for tool in (await alice.ask("tools/list"))["tools"]}
    hints = {name: tool["annotations"] for name, tool in tools.items()}
    assert [name for name, hint in hints.items() if hint["readOnlyHint"]] == ["list_tasks"]
    assert [name for name, hint in hints.items() if hint.get("destructiveHint")] == ["update_task", "delete_task"]
    assert not any(hint["openWorldHint"] for hint in hints.values())
    for tool in tools.values():
        assert tool["title"]
        assert tool["description"]
        assert tool["outputSchema"]["type"] == "object"
        assert "call" not in tool["inputSchema"].get("properties", {})
    title = tools["add_task"]["inputSchema"]["properties"]["title"]
    assert (title["minLength"], title["maxLength"]) == (1, 200)


@pytest.mark.parametrize(
    ("tool", "wrong", "field"),
    [
        ("add_task", {"title": "x" * 201}, "title"),
        ("add_task", {"title": ""}, "title"),
        ("add_task", {"title": "   "}, "title"),
        ("add_task", {}, "title"),
        ("add_task", {"title": "Call Bob", "due_date": "tomorrow"}, "due_date"),
        ("list_tasks", {"open_only": "perhaps"}, "open_only"),
        ("list_tasks", {"containing": "x" * 201}, "containing"),
        ("add_task", {"title": "\u200b"}, "title"),
        ("complete_task", {"task_id": "x" * 300}, "task_id"),
        ("add_task", {"title": "Call Bob", "due_date": "[" * 60_000}, "an argument"),
        ("add_task", {"title": "Call Bob", "due_date": "[" * 500 + "]" * 500}, "due_date"),
        ("list_tasks", {"open_only": "9" * 5_000}, "an argument"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_wrong_arguments_are_told_without_being_repeated(
    alice: McpClient, tool: str, wrong: dict[str, Any], field: str, log: io.StringIO
) -> None:
    told = await alice.call(tool, **wrong)
    assert told.startswith(f"Nothing was done: {field} cannot be so.")
    assert "xxx" not in told
    assert "tomorrow" not in told
    assert '"level":"ERROR"' not in log.getvalue()
    assert await titles(alice) == []


async def test_more_tasks_than_there_may_be_are_refused_and_not_all_are_listed(
    alice: McpClient, table_name: str, dynamodb: DynamoDBClient
) -> None:
    kept = tasks_of(table_name, dynamodb)
    for number in range(MAX_TASKS):
        await kept.add(f"Task {number}")
    listed = await alice.call("list_tasks")
    assert (len(listed["tasks"]), listed["left_out"]) == (MOST_LISTED, MAX_TASKS - MOST_LISTED)
    assert (await alice.call("add_task", title="More")).startswith("Nothing was done: the user has 500 tasks")


async def test_tasks_are_found_by_words_of_their_titles(alice: McpClient, bob: McpClient) -> None:
    for title in ("Call Bob", "Call Ann", "Rest"):
        await alice.call("add_task", title=title)
    await bob.call("add_task", title="Call Carol")
    assert await titles(alice, containing="CALL bob") == ["Call Bob"]
    assert await titles(alice, containing="call", open_only=True) == ["Call Bob", "Call Ann"]
    assert await titles(bob, containing="call") == ["Call Carol"]
    assert await titles(alice, containing=None) == ["Call Bob", "Call Ann", "Rest"]


async def test_task_beyond_those_that_are_told_at_once_is_found(
    alice: McpClient, table_name: str, dynamodb: DynamoDBClient
) -> None:
    kept = tasks_of(table_name, dynamodb)
    for _ in range(MOST_LISTED):
        await kept.add("Rest")
    await kept.add("Call Bob")
    assert await alice.call("list_tasks", containing="bob") == {
        "tasks": [task.model_dump(mode="json") for task in (await kept.all())[-1:]],
        "left_out": 0,
    }


async def test_defect_says_nothing_of_itself_and_is_logged(
    dynamodb: DynamoDBClient, issuer: TokenIssuer, log: io.StringIO
) -> None:
    async with mcp.serving(mcp.task_tools("no-such-table", dynamodb, issuer)) as http:
        told = await McpClient(http, issuer.mint("alice")).call("add_task", title="A secret")
    assert told == "Something went wrong on our side."
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    [failed] = [line for line in lines if line["message"] == "request failed"]
    assert (failed["failure"], failed["operation"]) == ("defect", "mcp:tools/call")
    assert "secret" not in log.getvalue()


async def test_unknown_tool_is_told(alice: McpClient) -> None:
    assert await alice.call("drop_table") == "Unknown tool: drop_table"


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, f'Bearer resource_metadata="{METADATA}"'),
        ("Basic YTpi", f'Bearer resource_metadata="{METADATA}"'),
        ("Bearer not.a.token", f'Bearer error="invalid_token", resource_metadata="{METADATA}"'),
    ],
)
async def test_who_has_no_good_token_is_told_where_to_get_one(
    http: httpx2.AsyncClient, authorization: str | None, challenge: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    refused = await McpClient(http, None).post(PING, **headers)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, challenge)
    assert refused.headers["content-type"] == "application/problem+json"
    document = (await http.get(METADATA)).json()
    assert document["resource"] == "https://tools.example.com/mcp"
    assert (document["authorization_servers"], document["scopes_supported"]) == ([ISSUER], [SCOPE])


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"exp": 1}, 401),
        ({"client_id": "another"}, 401),
        ({"token_use": "id"}, 401),
        ({"iss": "https://elsewhere.example.com"}, 401),
        ({"kid": "never published"}, 401),
        ({"scope": "openid"}, 403),
    ],
    ids=str,
)
async def test_token_of_another_kind_is_refused(
    http: httpx2.AsyncClient, issuer: TokenIssuer, changed: dict[str, Any], status: int
) -> None:
    refused = await McpClient(http, issuer.mint("alice", **changed)).post(PING)
    assert refused.status_code == status
    assert "error=" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
async def test_there_is_no_stream_to_open_and_no_session_to_end(alice: McpClient, method: str) -> None:
    refused = await alice.http.request(method, "/mcp", headers={"Authorization": f"Bearer {alice.token}", **mcp.JSON})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


async def test_pages_may_call_that_are_named_and_others_not(alice: McpClient) -> None:
    assert (await alice.post(PING)).status_code == 200
    allowed = await alice.post(PING, Origin=mcp.PAGE)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, mcp.PAGE)
    # Which a page's client has to read to find where to sign in.
    assert allowed.headers["access-control-expose-headers"] == "WWW-Authenticate"
    for origin in ("https://evil.example.com", "null", ""):
        refused = await alice.post(PING, Origin=origin)
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (MAX_BODY + 1), 413),
        (b"[" * 50_000, 400),
        (b"\xff{}", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"jsonrpc": "2.0", "id": 1}', 400),
    ],
    ids=["large", "deep", "no UTF-8", "cut off", "batch", "empty", "no method"],
)
async def test_body_that_is_no_message_is_refused(alice: McpClient, body: bytes, status: int) -> None:
    assert (await alice.post(body)).status_code == status


@pytest.mark.parametrize("wrong", [b"NaN", b"-Infinity", b"1e999", b'"\\ud800"', b'"a\\u0000"'], ids=repr)
async def test_values_that_could_not_be_kept_or_told_to_a_model_are_refused(alice: McpClient, wrong: bytes) -> None:
    assert (await alice.post(PING.replace(b"1", wrong))).status_code == 400
    arguments = json.dumps({"name": "add_task", "arguments": {"title": "TITLE"}}).encode().replace(b'"TITLE"', wrong)
    adding = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": %s}' % arguments
    assert (await alice.post(adding)).status_code == 400
    assert await titles(alice) == []


async def test_other_media_types_are_refused(alice: McpClient) -> None:
    assert (await alice.post(PING, **{"Content-Type": "text/plain"})).status_code == 400
    assert (await alice.post(PING, Accept="text/html")).status_code == 406


async def test_log_names_the_user_by_a_pseudonym_and_holds_no_text(alice: McpClient, log: io.StringIO) -> None:
    await alice.call("add_task", title="A secret")
    [line] = [line for line in map(json.loads, log.getvalue().splitlines()) if line["message"] == "request"]
    assert (line["status"], line["operation"], line["tenant"]) == (200, "mcp:tools/call", "default")
    assert len(line["user"]) == 16
    assert "secret" not in log.getvalue()
    assert alice.token is not None
    assert alice.token not in log.getvalue()


async def test_mcp_client_talks_to_it_over_http(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint('alice')}"}
    async with (
        serving_here(mcp.task_tools(table_name, dynamodb, issuer), lifespan="on") as port,
        httpx.AsyncClient(headers=headers) as http,
        streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http) as (read, write, session_id),
        ClientSession(read, write) as session,
    ):
        hello = await session.initialize()
        assert (hello.serverInfo.name, session_id()) == ("tasks", None)
        added = await session.call_tool("add_task", {"title": "Call Bob"})
        assert added.structuredContent is not None
        [text] = added.content
        assert isinstance(text, TextContent)
        assert json.loads(text.text) == added.structuredContent
