"""The endpoints that have the models, side by side: a client for each, and which of them a model's name means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents import Model, ModelProvider
from httpx2 import AsyncClient, Timeout
from openai import AsyncOpenAI, DefaultAsyncHttpx2Client
from openai.providers import bedrock

from chat_api.providers import Provider, located
from chat_api.server.models.model import Models
from chatkit_aws.secrets import ModelKey, ModelKeyAuth

RETRIES = 1
"""How often the model is asked again where it refuses for now, or cannot be reached."""
CONNECT_SECONDS = 10.0
"""How long one attempt to reach it may take."""


@dataclass(frozen=True, slots=True)
class Endpoints(ModelProvider):
    """Models of several endpoints: `name/model` is the model of `others[name]`, and any other name the first one's."""

    first: Models
    others: Mapping[str, Models]

    @property
    def client(self) -> AsyncOpenAI:
        """The first one's, for what is asked beside models."""
        return self.first.client

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name, known or not."""
        provider, name = located(model_name or self.first.name, self.others)
        return (self.others[provider] if provider else self.first).get_model(name)


def with_key(base_url: str, key: ModelKey) -> AsyncOpenAI:
    """A client of an endpoint that knows us by a key."""
    # The client insists on a key of its own; each request's header is set by `ModelKeyAuth`.
    return AsyncOpenAI(
        api_key="set-per-request", base_url=base_url, http_client=_http(auth=ModelKeyAuth(key)), max_retries=RETRIES
    )


def client_of(provider: Provider, key: ModelKey) -> AsyncOpenAI:
    """A client of a further endpoint; `key` is the first one's, by whose way another is read."""
    if provider.bedrock is None:
        return with_key(provider.base_url, key.of(provider.secret_id))
    # Without `api_key` the role signs, even where the environment has an Amazon Bedrock API key.
    signed = bedrock(endpoint=provider.bedrock, base_url=provider.base_url or None, api_key=None)
    return AsyncOpenAI(provider=signed, http_client=_http(), max_retries=RETRIES)


def _http(**options: Any) -> AsyncClient:
    # Reading has no timeout here: `Models` has one, which begins with the request and anew with each event.
    return DefaultAsyncHttpx2Client(timeout=Timeout(None, connect=CONNECT_SECONDS), **options)
