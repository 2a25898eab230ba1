"""The whole application in one process: real store, real tokens, a scripted model."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from agents import Agent
from chatkit.agents import AgentContext
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_services
from chat_api.choices import Choices
from chat_api.mcp_client.servers import McpTools
from chat_api.settings import Settings
from chat_api.toolkit.calls import Act, ActAtOnce
from chat_api.toolkit.guardrails import Guardrails
from chat_testing.chat import ChatClient
from chat_testing.models import ScriptedModels
from chat_testing.tokens import CLIENT_ID, ISSUER, SCOPE, TokenIssuer
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore, Retention, keys
from chatkit_aws.store.objects import Objects
from chatkit_aws.telemetry import Telemetry

RUNS = (keys.RUN, keys.EVENT, keys.REPEAT, keys.NAME, keys.STOP)
"""Rows of runs."""
TELEMETRY = Telemetry("chat", "Test")


def settings_for(table_name: str, jwks_url: str) -> Settings:
    """Settings as the template would give them, for a table and an issuer of the test."""
    return Settings(
        table_name=table_name,
        bucket_name="test-bucket",
        retention_days=365,
        retention_policy="last_activity",
        tenant_keys="",
        token_issuer=ISSUER,
        jwks_url=jwks_url,
        client_ids=(CLIENT_ID,),
        required_scope=SCOPE,
        model_secret_id="model-key",
        openai_base_url="http://127.0.0.1:9/v1",
        model_name="test-model",
        model_providers={},
        title_model="",
        summary_model="",
        allowed_origins=("http://localhost:3000",),
        allowed_origin_pattern=r"https://preview-\d+\.example\.com",
        history_items=10,
        run_event_minutes=15,
        watch_seconds=0.05,
        requests_per_minute=0,
        concurrent_runs=0,
        tokens_per_day=0,
        tenant_tokens_per_month=0,
        reserved_tokens=1000,
        usage_days=0,
        heartbeat_seconds=0,
        window_milliseconds=0,
        padding_bytes=0,
        max_message_characters=4000,
    )


class Doorway:
    """Around an application: counts the answers that have begun, and keeps what was sent."""

    def __init__(self, app: ASGIApp) -> None:
        """Begin with none."""
        self._app = app
        self.begun = 0
        self.sent = bytearray()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def counted(message: Message) -> None:
            self.begun += message["type"] == "http.response.start"
            self.sent += message.get("body", b"")
            await send(message)

        await self._app(scope, receive, counted)


@dataclass
class App:
    """The application under test, and what a test needs to drive it and to look behind it."""

    http: httpx2.AsyncClient
    models: ScriptedModels
    issuer: TokenIssuer
    table_name: str
    dynamodb: DynamoDBClient
    settings: Settings = field(repr=False)
    doorway: Doorway
    mcp: McpTools | None = None

    async def close(self) -> None:
        """Close what is open."""
        await self.http.aclose()
        if self.mcp is not None:
            await self.mcp.close()

    def client(self, token: str | None) -> ChatClient:
        """A client with a token of the test's making, or with none."""
        return ChatClient(self.http, token)

    def user(self, name: str, tenant: str | None = None) -> ChatClient:
        """A signed-in user."""
        return self.client(self.issuer.mint(name, tenant=tenant))

    def rows(self) -> list[dict[str, object]]:
        """Every row of the table but those of runs, which pass by themselves."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table_name, ConsistentRead=True)
        found = (row for page in pages for row in page["Items"])
        rows: list[dict[str, object]] = [{**row} for row in found if not row["sk"]["S"].startswith(RUNS)]
        return sorted(rows, key=str)


def application(  # noqa: PLR0913 - each has its default
    table_name: str,
    dynamodb: DynamoDBClient,
    issuer: TokenIssuer,
    models: ScriptedModels | None = None,
    *,
    agent: Agent[AgentContext[RequestContext]] | None = None,
    guardrails: Guardrails = Guardrails(),  # noqa: B008 - never changed
    actions: Mapping[str, Act] | None = None,
    actions_at_once: Mapping[str, ActAtOnce] | None = None,
    choices: Choices | None = None,
    objects: Objects | None = None,
    clock: Callable[[], float] = time.time,
    **changes: Any,
) -> App:
    """The application over a table and an issuer; the caller closes `http`.

    `agent`, the guardrails, the actions and the choices take the place of the assistant's own, `changes` are of its
    settings. Without `objects` there is no bucket.
    """
    settings = settings_for(table_name, issuer.jwks_url).model_copy(update=changes)
    models = models or ScriptedModels()
    retention = Retention(settings.retention_days, settings.retention_policy)
    store = DynamoDBStore(table_name, dynamodb, objects=objects, retention=retention, clock=clock)
    assistant = create_assistant(settings, models, agent, guardrails, choices)
    assistant = dataclasses.replace(
        assistant,
        actions=actions or assistant.actions,
        actions_at_once=actions_at_once or assistant.actions_at_once,
    )
    doorway = Doorway(create_app(create_services(settings, assistant, store, TELEMETRY)))
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(doorway), base_url="http://testserver")
    return App(http, models, issuer, table_name, dynamodb, settings, doorway, assistant.mcp)
