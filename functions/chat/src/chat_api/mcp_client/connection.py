"""One MCP server, asked: each request in a session of its own, over connections that are kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import ClientSession
from mcp.client.session import MessageHandlerFnT
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ClientRequest,
    PaginatedRequestParams,
    Tool,
)

from chat_api.mcp_client.farewells import Farewells
from chat_api.mcp_client.presentable import presentable
from chat_api.mcp_client.transport import CONNECT_SECONDS, GuardedTransport
from chat_api.mcp_servers import McpServer

MAX_PAGES = 5
"""Pages of its list of tools that are read."""


class McpUnavailable(Exception):
    """A server could not be reached, refused, was too slow, or answered what is not MCP; the cause says which."""


class Connection:
    """A server for the whole process. Nothing of a user stays in it: a token comes with a request, and goes with it.

    A session is begun for each request, since one belongs to the task that began it and to one user's token; a server
    without sessions is asked for no more than a greeting, over a connection that is open already.
    """

    def __init__(self, server: McpServer, seconds: float, transport: GuardedTransport | None = None) -> None:
        """Ask `server`, which has `seconds` for an answer."""
        self.server = server
        self._seconds = seconds
        self._transport = transport or GuardedTransport(server)
        self._farewells = Farewells(server.url)

    async def tools(self, token: str | None) -> list[Tool]:
        """Those of its tools that are allowed and can be shown to a model. Raises McpUnavailable."""
        found: list[Tool] = []
        async with self._session(token) as session:
            page = await session.list_tools()
            for _ in range(MAX_PAGES - 1):
                found += page.tools
                if page.nextCursor is None:
                    break
                page = await session.list_tools(params=PaginatedRequestParams(cursor=page.nextCursor))
            else:
                found += page.tools
        return presentable(self.server, found)

    async def call(self, tool: str, arguments: dict[str, Any], token: str | None) -> CallToolResult:
        """What a tool answers. Raises McpUnavailable; it may have been carried out even so."""
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        async with self._session(token) as session:
            # Not the session's own `call_tool`, which would first ask for all tools, to check the result by them.
            return await session.send_request(ClientRequest(request), CallToolResult)

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._farewells.close()
        await self._transport.close()

    @asynccontextmanager
    async def _session(self, token: str | None) -> AsyncIterator[ClientSession]:
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client(token) as http,
                # Not ended by the library, which would have what was answered wait for that, and be lost with it.
                streamable_http_client(self.server.url, http_client=http, terminate_on_close=False) as (
                    read,
                    write,
                    session_id,
                ),
                ClientSession(read, write, message_handler=_ending(read)) as session,
            ):
                greeting = await session.initialize()
                try:
                    yield session
                finally:
                    if (known := session_id()) is not None:
                        self._farewells.say(self._client(token), known, greeting.protocolVersion)
        except Exception as error:
            # Whatever a server does, in whichever library it shows: a turn goes on without it.
            raise McpUnavailable(self.server.name) from error

    def _client(self, token: str | None) -> httpx.AsyncClient:
        """A client for one request: its token is in no other's headers."""
        headers = {"Accept-Encoding": "identity"}
        if token is not None and self.server.caller_token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        return httpx.AsyncClient(transport=self._transport, headers=headers, timeout=timeout, trust_env=False)


def _ending(read: MemoryObjectReceiveStream[SessionMessage | Exception]) -> MessageHandlerFnT:
    """Ends a session at what is not MCP, where the library would go on waiting for what is: as if it were cut off."""

    async def handle(message: object) -> None:
        if isinstance(message, Exception):
            await read.aclose()

    return handle
