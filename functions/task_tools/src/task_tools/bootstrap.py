"""The composition root: the one place that knows which pieces are used, and the only one that reads the environment."""

import os

from starlette.applications import Starlette

from chatkit_aws import clients, logs
from chatkit_aws.identity import Issuer, TokenVerifier
from chatkit_aws.jwks import KeySet
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.telemetry import Telemetry
from task_tools.app import create_app
from task_tools.settings import Settings


def create_app_from_environment() -> Starlette:
    """The application as the template configures it; raises pydantic's ValidationError where a setting is wrong."""
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "task-tools")
    # Before FastMCP is made, which would set up logging of its own where there is none.
    logs.take_over(service, os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
    settings = Settings.from_environment(os.environ)
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "ChatKit")
    telemetry = Telemetry(service, namespace, salt=settings.token_issuer)
    return create_app(settings, create_store(settings), create_verifier(settings), telemetry)


def create_store(settings: Settings) -> DynamoDBStore:
    """The table's rows as this function may use them: a task fits into one, so it has no bucket."""
    cipher = EnvelopeCipher(clients.kms_client(), settings.tenant_keys) if settings.tenant_keys else None
    return DynamoDBStore(settings.table_name, clients.dynamodb_client(), cipher=cipher)


def create_verifier(settings: Settings) -> TokenVerifier:
    """Who checks tokens, as the chat does."""
    issuer = Issuer(settings.token_issuer, frozenset(settings.client_ids), settings.required_scope)
    return TokenVerifier(issuer, KeySet(settings.jwks_url))
