"""An MCP server by hand, which answers as no library would."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chat_api.mcp_servers import McpServer
from chat_testing.web import serving_here

type Answer = Callable[[Request, Any], Awaitable[Response]]
"""Answers a request; the second is its message's id."""


def tool(name: str = "find", **said: Any) -> dict[str, Any]:
    """A tool of a server's list."""
    return {"name": name, "description": "Find", "inputSchema": {"type": "object", "properties": {}}, **said}


def saying(request_id: Any, **result: Any) -> JSONResponse:
    """An answer as it should be."""
    return JSONResponse({"jsonrpc": "2.0", "id": request_id, "result": result})


async def _ok(_request: Request, request_id: Any) -> Response:
    return saying(request_id, content=[{"type": "text", "text": "ok"}])


async def _ended(_request: Request, _id: Any) -> Response:
    return Response()


@dataclass
class RawServer:
    """A server with some tools; `asked` are the methods that it was asked, `headers` those of the requests."""

    pages: list[list[dict[str, Any]]] = field(default_factory=lambda: [[tool()]])
    session: str | None = None
    on_list: Answer | None = None
    on_call: Answer = _ok
    on_end: Answer = _ended
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def config(self, **said: Any) -> McpServer:
        """It as it is configured; its tools are those that it has, unless others are `said`."""
        tools = [str(one["name"]) for page in self.pages for one in page]
        given = {"name": "notes", "url": f"http://127.0.0.1:{self.port}/mcp", "tools": tools, "private": True, **said}
        return McpServer.model_validate(given)

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        message: dict[str, Any] = {"method": "DELETE"} if request.method == "DELETE" else await request.json()
        method, request_id = message["method"], message.get("id")
        self.asked.append(method)
        self.headers.append(dict(request.headers))
        answer = await self._answer(method, request, request_id, message.get("params") or {})
        if self.session is not None:
            answer.headers["Mcp-Session-Id"] = self.session
        return answer

    async def _answer(self, method: str, request: Request, request_id: Any, params: dict[str, Any]) -> Response:
        match method:
            case "initialize":
                hello = {"serverInfo": {"name": "raw", "version": "1"}, "capabilities": {"tools": {}}}
                return saying(request_id, protocolVersion="2025-06-18", **hello)
            case "tools/list" if self.on_list is not None:
                return await self.on_list(request, request_id)
            case "tools/list":
                page = int(params.get("cursor", 0))
                following = {"nextCursor": str(page + 1)} if page + 1 < len(self.pages) else {}
                return saying(request_id, tools=self.pages[page], **following)
            case "tools/call":
                return await self.on_call(request, request_id)
            case "DELETE":
                return await self.on_end(request, None)
        return Response(status_code=202)


@asynccontextmanager
async def serving(server: RawServer) -> AsyncIterator[RawServer]:
    """Serve it at loopback; it has no stream that is opened by GET."""
    app = Starlette(routes=[Route("/mcp", server.serve, methods=["POST", "DELETE"])])
    async with serving_here(app) as server.port:
        yield server
