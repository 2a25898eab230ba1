"""The composition root: the one place that knows which pieces are used, and the only one that reads the environment."""

import os
import time
from dataclasses import replace

from agents import Agent, ModelProvider
from chatkit.agents import AgentContext
from fastapi import FastAPI
from openai import AsyncOpenAI

from chat_api import checks
from chat_api.app import create_app
from chat_api.assistant.actions import ACTIONS, ACTIONS_AT_ONCE
from chat_api.assistant.agent import build_agent, load_prices
from chat_api.assistant.choices import CHOICES, IMAGE
from chat_api.assistant.guardrails import build_guardrails
from chat_api.choices import Choices
from chat_api.mcp_client.servers import McpTools
from chat_api.pacing import Pace
from chat_api.runs.entry import Gate
from chat_api.runs.keeper import Runs
from chat_api.server import hosted_tools
from chat_api.server.assistant import Assistant
from chat_api.server.beside.aside import SmallModel
from chat_api.server.chat_server import ChatServer
from chat_api.server.memory import window
from chat_api.server.models import endpoints
from chat_api.server.models.model import Models, build_types
from chat_api.server.preparation import prepare
from chat_api.services import Limits, Services
from chat_api.settings import Settings
from chat_api.storage import create_images, create_store
from chat_api.toolkit.guardrails import Guardrails
from chat_api.toolkit.moderation import Moderation
from chat_api.turns import Turns
from chatkit_aws import clients, logs, usage
from chatkit_aws.context import RequestContext
from chatkit_aws.identity import Issuer, TokenVerifier
from chatkit_aws.jwks import KeySet
from chatkit_aws.runs import EventLog, Leases, Stops
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store import DynamoDBStore
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
    checks.check_times(settings)
    build_types(settings.api_of(settings.model_name))
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "ChatKit")
    telemetry = Telemetry(service, namespace, salt=settings.token_issuer)
    models = create_models(settings, ModelKey(settings.model_secret_id, clients.secretsmanager_client()))
    assistant = create_assistant(settings, models, guardrails=create_guardrails(settings, models.client))
    return create_app(create_services(settings, assistant, create_store(settings), telemetry))


def create_assistant(
    settings: Settings,
    models: ModelProvider,
    agent: Agent[AgentContext[RequestContext]] | None = None,
    guardrails: Guardrails = Guardrails(),  # noqa: B008 - never changed
    choices: Choices | None = None,
) -> Assistant:
    """The assistant of the folder that teams edit, or another `agent` with other `choices`, within `guardrails`.

    Raises ValueError where a tool is offered that the agent, or the API of every model, does not have.
    """
    offered = replace(CHOICES, tools=(*CHOICES.tools, IMAGE)) if settings.image_generation else CHOICES
    choices = choices or (Choices() if agent else offered)
    agent = agent or build_agent(settings.model_name, images=settings.image_generation)
    checks.check_tools(settings, agent, choices)
    prepare(agent, settings.tool_seconds, settings.mcp_seconds)
    history = window.Limits(settings.history_items, settings.history_tokens)
    titles = SmallModel(models, settings.title_model) if settings.title_model else None
    summaries = SmallModel(models, settings.summary_model) if settings.summary_model else None
    calls, acts = (settings.model_calls, settings.tool_calls), (ACTIONS, ACTIONS_AT_ONCE)
    mcp = McpTools(settings.mcp_servers, settings.mcp_seconds) if settings.mcp_servers else None
    choices = hosted_tools.apart(choices, agent, settings.api_of)
    bounds, speaks = (guardrails, settings.image_domains), settings.api_of
    return Assistant(agent, models, history, *calls, *acts, titles, summaries, choices, mcp, *bounds, speaks=speaks)


def create_guardrails(settings: Settings, client: AsyncOpenAI) -> Guardrails:
    """The checks of the folder that teams edit; the moderation model, if any, is one of `client`."""
    if not settings.moderation_model:
        return build_guardrails(None)
    is_blocking, fails_open = settings.moderation_mode == "blocking", settings.moderation_failure == "open"
    return build_guardrails(
        Moderation(client, settings.moderation_model, settings.moderation_seconds, is_blocking, fails_open)
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


def create_turns(settings: Settings, server: ChatServer, store: DynamoDBStore) -> Turns:
    """Turns whose runs, quotas and usage are kept beside the threads."""
    table, minutes = store.kinds.table, settings.run_event_minutes
    log = EventLog(table, store.kinds.bodies, minutes * 60) if minutes else None
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
