"""What configuration may say of providers, and which of them a model's name means."""

import json
from typing import Any

import pytest
from agents import OpenAIResponsesModel
from openai import AsyncOpenAI
from pydantic import ValidationError

from chat_api.providers import Provider
from chat_api.server.models.endpoints import Endpoints, client_of
from chat_api.server.models.model import Models
from chat_testing.app import settings_for
from chatkit_aws.clients import secretsmanager_client
from chatkit_aws.secrets import ModelKey

KEY = {"secret_id": "key"}


def models(name: str = "small") -> Models:
    return Models(AsyncOpenAI(api_key="none"), name, 1)


def asked(endpoints: Endpoints, name: str | None) -> tuple[AsyncOpenAI, str]:
    """The client and the model's name there."""
    model: Any = endpoints.get_model(name)
    while not isinstance(model, OpenAIResponsesModel):
        model = model._model  # what limits it, and what forgives it
    return model._client, str(model.model)


@pytest.mark.parametrize(
    ("name", "there", "is_other"),
    [
        (None, "small", False),
        ("large", "large", False),
        ("vendor/large", "vendor/large", False),
        ("other", "other", False),
        ("other/", "other/", False),
        ("other/large", "large", True),
        ("other/vendor/large", "vendor/large", True),
    ],
)
def test_name_before_the_first_slash_is_a_providers_where_there_is_one(
    name: str | None, there: str, *, is_other: bool
) -> None:
    first, other = models(), models()
    client = other.client if is_other else first.client
    assert asked(Endpoints(first, {"other": other}), name) == (client, there)


def test_model_that_answers_by_default_may_be_another_providers() -> None:
    other = models()
    assert asked(Endpoints(models("other/large"), {"other": other}), None) == (other.client, "large")


@pytest.mark.parametrize(
    "provider",
    [
        {},
        {"base_url": "https://a.example/v1"},
        {"secret_id": "key"},
        {"base_url": "https://a.example/v1", **KEY, "bedrock": "runtime"},
        {"base_url": "a.example/v1", **KEY},
        {"base_url": "https://a.example/v1/", **KEY},
        {"base_url": "https://a.example/v1", **KEY, "api": "completions"},
        {"base_url": "https://a.example/v1", **KEY, "api_key": "sk-1"},
        {"bedrock": "agent"},
    ],
)
def test_provider_that_is_neither_of_both_kinds_is_refused(provider: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Provider.model_validate(provider)


@pytest.mark.parametrize("text", ["", "[]", '{"A": {"bedrock": "runtime"}}', '{"a/b": {"bedrock": "runtime"}}'])
def test_setting_that_names_no_providers_is_refused(text: str) -> None:
    known = settings_for("test-table", "http://127.0.0.1/jwks").model_dump()
    with pytest.raises(ValidationError, match="model_providers"):
        type(settings_for("test-table", "http://127.0.0.1/jwks"))(**{**known, "model_providers": text})


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("runtime", "https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1/"),
        ("mantle", "https://bedrock-mantle.eu-central-1.api.aws/openai/v1/"),
    ],
)
def test_bedrock_is_that_of_the_functions_region(endpoint: str, address: str) -> None:
    provider = Provider.model_validate(json.loads(json.dumps({"bedrock": endpoint})))
    client = client_of(provider, ModelKey("key", secretsmanager_client()))
    assert str(client.base_url) == address
