"""The task tools as an MCP server, and a client of it that sees status lines."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.tokens import CLIENT_ID, ISSUER, SCOPE, TokenIssuer
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.telemetry import Telemetry
from task_tools.app import create_app
from task_tools.bootstrap import create_verifier
from task_tools.settings import Settings

PAGE = "http://localhost:3000"
"""The page that may call."""
PROTOCOL = "2025-06-18"
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def settings_for(table_name: str, jwks_url: str) -> Settings:
    """Settings as the template would give them, for a table and an issuer of the test."""
    return Settings(
        table_name=table_name,
        tenant_keys="",
        token_issuer=ISSUER,
        jwks_url=jwks_url,
        client_ids=(CLIENT_ID,),
        required_scope=SCOPE,
        allowed_origins=(PAGE,),
    )


def task_tools(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> Starlette:
    """The server over a table and an issuer; its lifespan has to run."""
    settings = settings_for(table_name, issuer.jwks_url)
    store = DynamoDBStore(table_name, dynamodb)
    return create_app(settings, store, create_verifier(settings), Telemetry("task-tools", "Test"))


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the server in process, while its lifespan runs."""
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://tools.example.com") as http,
    ):
        yield http


@dataclass
class McpClient:
    """Sends one message at a time, each by itself, as to a server without sessions."""

    http: httpx2.AsyncClient
    token: str | None
    path: str = "/mcp"
    _ids: Iterator[int] = field(default_factory=itertools.count)

    async def post(self, body: bytes, **headers: str) -> httpx2.Response:
        """Any body."""
        signed = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.post(self.path, content=body, headers={**JSON, **signed, **headers})

    async def ask(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = await self.post(json.dumps(message).encode(), **{"MCP-Protocol-Version": PROTOCOL})
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    async def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool gives back, or the text that says why it did nothing."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        return result["content"][0]["text"] if result.get("isError") else result["structuredContent"]
