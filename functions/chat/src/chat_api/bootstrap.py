"""The composition root: the one place that knows which pieces are used, and the only one that reads the environment."""

import os
import time
from dataclasses import replace

from agents import Agent, ModelProvider
from chatkit.agents import AgentContext
from fastapi import FastAPI
from openai import AsyncOpenAI

from chat_api.app import create_app
from chat_api.assistant.actions import ACTIONS, ACTIONS_AT_ONCE
from chat_api.assistant.agent import build_agent, load_prices
from chat_api.assistant.choices import CHOICES, IMAGE
from chat_api.assistant.guardrails import Guardrails, build_guardrails
from chat_api.assistant.moderation import Moderation
from chat_api.choices import Choices
from chat_api.mcp_client.servers import McpTools
from chat_api.pacing import Pace
from chat_api.runs.entry import Gate
from chat_api.runs.keeper import Runs
from chat_api.runs.turn import MARGIN_SECONDS
from chat_api.server import chosen
from chat_api.server.assistant import Assistant
from chat_api.server.beside.aside import SmallModel
from chat_api.server.chat_server import ChatServer
from chat_api.server.memory import window
from chat_api.server.models import endpoints
from chat_api.server.models.model import Models, build_types
from chat_api.server.preparation import prepare
from chat_api.services import Limits, Services
from chat_api.settings import Settings
from chat_api.turns import Turns
from chatkit_aws import clients, logs, usage
from chatkit_aws.context import RequestContext
from chatkit_aws.identity import Issuer, TokenVerifier
from chatkit_aws.jwks import KeySet
from chatkit_aws.runs import EventLog, Leases, Stops
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store import DynamoDBStore, Retention
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.images import Images
from chatkit_aws.store.objects import Objects
from chatkit_aws.telemetry import Telemetry


def create_app_from_environment() -> FastAPI:
    """The application as the template configures it.

    Raises pydantic's ValidationError where a setting is wrong, and ValueError where two do not fit together.
    No connection is kept and no key is read before the first request. The role's credentials are all that a snapshot of
    the started process holds, and they renew themselves; so it needs no hook when it is restored.
    """
    # The SDK stamps items with the process's local time and no zone (chatkit.server 1.6.5); the store keeps UTC.
    os.environ["TZ"] = "UTC"
    time.tzset()
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "chat")
    logs.take_over(service, os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
    settings = Settings.from_environment(os.environ)
    check_times(settings)
    check_servers(settings)
    build_types(settings.model_api)
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "ChatKit")
    telemetry = Telemetry(service, namespace, salt=settings.token_issuer)
    models = create_models(settings, ModelKey(settings.model_secret_id, clients.secretsmanager_client()))
    assistant = create_assistant(settings, models, guardrails=create_guardrails(settings, models.client))
    return create_app(create_services(settings, assistant, create_store(settings), telemetry))


def check_times(settings: Settings) -> None:
    """Raises ValueError where a part of a turn may take longer than a turn can, so that its limit would never be met.

    A turn ends ten seconds before the platform would end the process.
    """
    if settings.function_seconds == 0:
        return
    turn = settings.function_seconds - MARGIN_SECONDS
    for name in ("model_seconds", "tool_seconds", "mcp_seconds", "moderation_seconds"):
        if (seconds := getattr(settings, name)) >= turn:
            message = f"{name.upper()} is {seconds:g}; a turn ends after {turn:g} seconds, so it has to be less"
            raise ValueError(message)


def check_servers(settings: Settings) -> None:
    """Raises ValueError for an MCP server that the model's provider is to call where it cannot."""
    if settings.model_api != "responses" and any(server.kind == "hosted" for server in settings.mcp_servers):
        raise ValueError("hosted MCP servers need the Responses API: MODEL_API=responses")


def create_assistant(
    settings: Settings,
    models: ModelProvider,
    agent: Agent[AgentContext[RequestContext]] | None = None,
    guardrails: Guardrails = Guardrails(),  # noqa: B008 - never changed
    choices: Choices | None = None,
) -> Assistant:
    """The assistant of the folder that teams edit, or another `agent` with other `choices`, within `guardrails`.

    Raises ValueError where a tool is offered that the agent, or the API, does not have.
    """
    images = settings.image_generation
    if images and settings.model_api != "responses":
        raise ValueError("IMAGE_GENERATION is for MODEL_API responses; Chat Completions has no such tool")
    offered = replace(CHOICES, tools=(*CHOICES.tools, IMAGE)) if images else CHOICES
    choices = choices or (Choices() if agent else offered)
    agent = agent or build_agent(settings.model_name, images=images)
    chosen.check(agent, choices)
    prepare(agent, settings.tool_seconds, settings.mcp_seconds)
    history = window.Limits(settings.history_items, settings.history_tokens)
    titles = SmallModel(models, settings.title_model) if settings.title_model else None
    summaries = SmallModel(models, settings.summary_model) if settings.summary_model else None
    calls = (settings.model_calls, settings.tool_calls)
    mcp = McpTools(settings.mcp_servers, settings.mcp_seconds) if settings.mcp_servers else None
    checks = (guardrails, settings.image_domains)
    return Assistant(agent, models, history, *calls, ACTIONS, ACTIONS_AT_ONCE, titles, summaries, choices, mcp, *checks)


def create_guardrails(settings: Settings, client: AsyncOpenAI) -> Guardrails:
    """The checks of the folder that teams edit; the moderation model, if any, is one of `client`."""
    if not settings.moderation_model:
        return build_guardrails(None)
    is_blocking, fails_open = settings.moderation_mode == "blocking", settings.moderation_failure == "open"
    return build_guardrails(
        Moderation(client, settings.moderation_model, settings.moderation_seconds, is_blocking, fails_open)
    )


def create_store(settings: Settings) -> DynamoDBStore:
    """Threads in the stack's table and bucket, kept as long and sealed as the parameters say."""
    cipher = EnvelopeCipher(clients.kms_client(), settings.tenant_keys) if settings.tenant_keys else None
    return DynamoDBStore(
        settings.table_name,
        clients.dynamodb_client(),
        objects=Objects(settings.bucket_name, clients.s3_client()),
        cipher=cipher,
        retention=Retention(settings.retention_days, settings.retention_policy),
    )


def create_services(settings: Settings, assistant: Assistant, store: DynamoDBStore, telemetry: Telemetry) -> Services:
    """What the application is made of, with `assistant` to answer, `store` to remember and `telemetry` to watch."""
    issuer = Issuer(settings.token_issuer, frozenset(settings.client_ids), settings.required_scope)
    return Services(
        turns=create_turns(settings, ChatServer(store, assistant, images=create_images(settings, store)), store),
        verifier=TokenVerifier(issuer, KeySet(settings.jwks_url)),
        telemetry=telemetry,
        limits=Limits(
            settings.max_message_characters,
            settings.max_message_attachments,
            settings.allowed_origins,
            settings.allowed_origin_pattern,
        ),
        pace=Pace(
            settings.heartbeat_seconds, settings.window_milliseconds / 1000, padding_bytes=settings.padding_bytes
        ),
        stop_on_disconnect=settings.stop_on_disconnect,
        choices=assistant.choices,
    )


def create_images(settings: Settings, store: DynamoDBStore) -> Images | None:
    """The images of the store's threads, in its bucket if it has one."""
    objects = store.kinds.objects
    return None if objects is None else Images(store, objects, settings.image_link_minutes * 60)


def create_turns(settings: Settings, server: ChatServer, store: DynamoDBStore) -> Turns:
    """Turns whose runs, quotas and usage are kept beside the threads."""
    table, bodies, minutes = store.kinds.table, store.kinds.bodies, settings.run_event_minutes
    log = EventLog(table, bodies, minutes * 60) if minutes else None
    leases = Leases(table)
    limits = usage.Limits(
        settings.requests_per_minute,
        settings.concurrent_runs,
        settings.tokens_per_day,
        settings.tenant_tokens_per_month,
        settings.reserved_tokens,
    )
    meter = usage.Meter(table, limits, is_counted=settings.usage_days > 0, keep_days=settings.usage_days)
    runs = Runs(leases, Stops(table), log, settings.watch_seconds)
    return Turns(server, runs, Gate(leases, meter), load_prices())


def create_models(settings: Settings, key: ModelKey) -> endpoints.Endpoints:
    """Models of any endpoints that speak one of OpenAI's APIs, with one pool of connections for each in the process."""
    others = {
        name: Models(endpoints.client_of(provider, key), settings.model_name, settings.model_seconds, provider.api)
        for name, provider in settings.model_providers.items()
    }
    client = endpoints.with_key(settings.openai_base_url, key)
    return endpoints.Endpoints(Models(client, settings.model_name, settings.model_seconds, settings.model_api), others)
