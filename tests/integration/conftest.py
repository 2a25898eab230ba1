"""The application, and a user of it."""

import io
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.bootstrap import create_guardrails, create_models
from chat_testing import moderation, tokens
from chat_testing.app import App, application, settings_for
from chat_testing.chat import ChatClient
from chat_testing.failures import logged
from chat_testing.models import ScriptedModels
from chat_testing.moderation import Moderated, ModerationEndpoint
from chat_testing.spent import USED, Make
from chatkit_aws.clients import secretsmanager_client
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store.objects import Objects


@pytest.fixture(scope="session")
def issuer() -> Iterator[tokens.TokenIssuer]:
    with tokens.serving() as issuer:
        yield issuer


@pytest.fixture
def models() -> ScriptedModels:
    """Those of `app`; a module whose models are others has a fixture of this name."""
    return ScriptedModels()


@pytest.fixture
async def app(
    table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer, models: ScriptedModels
) -> AsyncIterator[App]:
    app = application(table_name, dynamodb, issuer, models)
    async with app.http:
        yield app


@pytest.fixture
def alice(app: App) -> ChatClient:
    return app.user("alice")


@pytest.fixture
async def make(table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer) -> AsyncIterator[Make]:
    """Makes the application with some settings, at one moment: no minute or day ends meanwhile."""
    made: list[App] = []
    now = time.time()

    def make(models: ScriptedModels | None = None, **options: Any) -> App:
        app = application(table_name, dynamodb, issuer, models, clock=lambda: now, usage_days=1, **options)
        app.models.model.set_default_usage(USED)
        made.append(app)
        return app

    yield make
    for app in made:
        await app.http.aclose()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the log would have."""
    with logged() as stream:
        yield stream


@pytest.fixture(scope="module")
def key(aws_endpoint: str) -> ModelKey:
    """The model's key, in Secrets Manager."""
    client, name = secretsmanager_client(aws_endpoint), f"model-key-{uuid.uuid4().hex}"
    client.create_secret(Name=name, SecretString="sk-of-the-test")
    return ModelKey(name, client)


@pytest.fixture
async def endpoint() -> AsyncIterator[ModerationEndpoint]:
    async with moderation.serving() as served:
        yield served


@pytest.fixture
async def moderated(
    table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer, key: ModelKey, endpoint: ModerationEndpoint
) -> AsyncIterator[Moderated]:
    """The application with moderation by the endpoint; `changes` are of its settings."""
    made: list[App] = []

    def make(models: ScriptedModels | None = None, objects: Objects | None = None, **changes: Any) -> App:
        changes = {"moderation_model": "omni-moderation-latest", "openai_base_url": endpoint.base_url, **changes}
        settings = settings_for(table_name, issuer.jwks_url).model_copy(update=changes)
        guardrails = create_guardrails(settings, create_models(settings, key).client)
        app = application(table_name, dynamodb, issuer, models, guardrails=guardrails, objects=objects, **changes)
        made.append(app)
        return app

    yield make
    for app in made:
        await app.close()
