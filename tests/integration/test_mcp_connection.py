"""One MCP server, asked: what it answered is had at once and kept, and what is no answer ends the wait."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp.types import TextContent
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from chat_api.mcp_client.connection import MAX_PAGES, Connection, McpUnavailable
from chat_api.mcp_client.results import told
from chat_api.mcp_client.transport import MAX_ANSWER, GuardedTransport
from chat_testing import mcp, raw_mcp
from chat_testing.certificates import certificate
from chat_testing.raw_mcp import RawServer, saying, tool
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here

LONG = 600
"""Seconds that no test takes: what waits for them waits for nothing."""
OK = {"content": [{"type": "text", "text": "ok"}]}

type Connect = Callable[..., Any]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects with a server; all ends with the test, whose time is bounded."""
    async with asyncio.timeout(60), AsyncExitStack() as stack:

        async def connect(server: RawServer, seconds: float = LONG, **said: Any) -> Connection:
            await stack.enter_async_context(raw_mcp.serving(server))
            connection = Connection(server.config(**said), seconds)
            stack.push_async_callback(connection.close)
            return connection

        yield connect


async def text_of(connection: Connection, token: str | None = None) -> str:
    """What its tool says."""
    [content] = (await connection.call("find", {}, token)).content
    assert isinstance(content, TextContent)
    return content.text


async def test_session_is_ended_behind_the_answer_by_whose_it_is(connect: Connect) -> None:
    ended = asyncio.Event()

    async def end(_request: Request, _id: Any) -> Response:
        ended.set()
        return Response(status_code=500)

    server = RawServer(session="s-1", on_end=end)
    connection = await connect(server, caller_token=True)
    assert await text_of(connection, "alice's") == "ok"
    await ended.wait()
    headers = server.headers[server.asked.index("DELETE")]
    assert (headers["mcp-session-id"], headers["mcp-protocol-version"]) == ("s-1", "2025-06-18")
    assert headers["authorization"] == "Bearer alice's"


async def test_server_that_is_slow_to_end_a_session_loses_no_answer(connect: Connect) -> None:
    asked = asyncio.Event()

    async def hang(request: Request, _id: Any) -> Response:
        asked.set()
        await request.receive()  # its body
        await request.receive()  # until who asked has gone
        return Response()

    connection = await connect(RawServer(session="s-1", on_end=hang))
    assert [one.name for one in await connection.tools(None)] == ["find"]
    assert await text_of(connection) == "ok"
    await asked.wait()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"no JSON", "application/json"),
        (b"[]", "application/json"),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": "a\ud800"}}).encode(), "application/json"),
        (json.dumps({"jsonrpc": "2.0", "id": "another", "result": OK}).encode(), "application/json"),
        (json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}}).encode(), "application/json"),
        (b"event: message\ndata: no JSON\n\n", "text/event-stream"),
        (b"<html>", "text/html"),
    ],
    ids=["no JSON", "batch", "surrogate", "another's", "nobody's", "event", "page"],
)
async def test_what_is_not_mcp_ends_the_wait(connect: Connect, content: bytes, media_type: str) -> None:
    async def answer(_request: Request, _id: Any) -> Response:
        return Response(content, media_type=media_type)

    connection = await connect(RawServer(on_call=answer))
    with pytest.raises(McpUnavailable):
        await connection.call("find", {}, None)
    listing = await connect(RawServer(on_list=answer))
    with pytest.raises(McpUnavailable):
        await listing.tools(None)


async def refused(connection: Connection) -> str:
    """The names of what a call failed for."""
    with pytest.raises(McpUnavailable) as caught:
        await connection.call("find", {}, None)
    return repr(caught.value.__cause__)


@pytest.mark.parametrize("length", [MAX_ANSWER // 2, MAX_ANSWER])
async def test_answer_is_read_up_to_a_limit(connect: Connect, length: int) -> None:
    async def long(_request: Request, request_id: Any) -> Response:
        return saying(request_id, content=[{"type": "text", "text": "x" * length}])

    connection = await connect(RawServer(on_call=long))
    if length < MAX_ANSWER:
        assert len(await text_of(connection)) == length
    else:
        await refused(connection)


async def test_compressed_answer_is_refused_which_could_be_of_any_size(connect: Connect) -> None:
    async def compressed(_request: Request, request_id: Any) -> Response:
        plain = bytes(saying(request_id, **OK).body)
        return Response(gzip.compress(plain), headers={"Content-Encoding": "gzip"}, media_type="application/json")

    server = RawServer(on_call=compressed)
    assert "DecodingError" in await refused(await connect(server))
    assert {headers["accept-encoding"] for headers in server.headers} == {"identity"}


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_redirect_elsewhere_is_not_followed_with_the_token(connect: Connect, is_elsewhere: bool) -> None:
    other = RawServer()
    await connect(other)

    async def away(_request: Request, _id: Any) -> Response:
        return RedirectResponse(f"http://127.0.0.1:{other.port if is_elsewhere else server.port}/mcp", 307)

    calls: list[Any] = []

    async def once(request: Request, request_id: Any) -> Response:
        calls.append(request_id)
        return await away(request, request_id) if len(calls) == 1 else saying(request_id, **OK)

    server = RawServer(on_call=once)
    connection = await connect(server, caller_token=True)
    if is_elsewhere:
        with pytest.raises(McpUnavailable):
            await connection.call("find", {}, "alice's")
    else:
        assert await text_of(connection, "alice's") == "ok"
    assert other.asked == []


async def test_environment_names_nobody_to_trust_and_no_proxy(
    tmp_path: Path, issuer: TokenIssuer, table_name: str, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locate(_host: str, _port: int) -> str:
        return "127.0.0.1"

    made = certificate(tmp_path, "tasks.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    files = {"ssl_certfile": made.path, "ssl_keyfile": made.key_path}
    tools = mcp.task_tools(table_name, dynamodb, issuer)
    async with serving_here(tools, lifespan="on", **files) as port:
        server = RawServer().config(url=f"https://tasks.example.com:{port}/mcp", caller_token=True, private=False)
        for trusted in (None, made.trusted):
            connection = Connection(server, LONG, GuardedTransport(server, locate, trusted))
            if trusted is None:
                with pytest.raises(McpUnavailable):
                    await connection.tools(issuer.mint("alice"))
            else:
                assert await connection.tools(issuer.mint("alice")) == []  # none by the name `find`
            await connection.close()


async def test_pages_of_a_list_are_read_up_to_a_limit(connect: Connect) -> None:
    pages = [[tool(f"find-{number}")] for number in range(MAX_PAGES + 1)]
    connection = await connect(RawServer(pages))
    assert [one.name for one in await connection.tools(None)] == [f"find-{number}" for number in range(MAX_PAGES)]


async def test_text_of_a_resource_is_told_and_data_left_out(connect: Connect) -> None:
    text = {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "A note"}}
    data = {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAAA"}}

    async def resources(_request: Request, request_id: Any) -> Response:
        return JSONResponse({"jsonrpc": "2.0", "id": request_id, "result": {"content": [text, data]}})

    connection = await connect(RawServer(on_call=resources))
    result = json.loads(told("notes", await connection.call("find", {}, None)))
    assert result["text"] == "A note\n[resource left out]"
