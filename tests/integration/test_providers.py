"""Models of several providers side by side, through the real clients and the whole server: whose key, whose price."""

import io
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.assistant.agent import build_agent
from chat_api.bootstrap import create_assistant, create_models, create_services
from chat_api.choices import Choices, ModelOffer, ToolOffer
from chat_api.providers import Provider
from chat_api.settings import Settings
from chat_testing import bedrock, chat_completions
from chat_testing.app import TELEMETRY, settings_for
from chat_testing.bedrock import Bedrock
from chat_testing.chat import Answer, ChatClient, message
from chat_testing.chat_completions import ChatCompletions, end, text, tool_call, usage
from chat_testing.failures import Expected
from chat_testing.tokens import TokenIssuer
from chatkit_aws.clients import secretsmanager_client
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Report, Usage
from chatkit_aws.usage.turns import Turn

GPT_OSS = "openai.gpt-oss-120b-1:0"
CHOICES = Choices(
    models=(
        ModelOffer("first", "First"),
        ModelOffer("other", "Other", model="other/vendor/large"),
        ModelOffer("oss", "Open", model=f"bedrock/{GPT_OSS}"),
    ),
    tools=(ToolOffer("show", "Show", "notebook", tool="show_tasks"),),
)


@dataclass(frozen=True)
class Stage:
    """The application and the endpoints behind it."""

    first: ChatCompletions
    other: ChatCompletions
    aws: Bedrock
    http: httpx2.AsyncClient
    issuer: TokenIssuer
    report: Report

    def user(self, name: str) -> ChatClient:
        return ChatClient(self.http, self.issuer.mint(name))

    async def turns(self, user: str = "alice") -> list[Turn]:
        return [turn async for page in self.report.turns(Owner.of("default", user)) for turn in page]


@dataclass(frozen=True)
class Endpoints:
    """What speaks Chat Completions here; the key of `other` is in the secret of that name."""

    first: ChatCompletions
    other: ChatCompletions
    aws: Bedrock
    key: ModelKey
    secret_id: str

    def settings(self, table_name: str, jwks_url: str) -> Settings:
        providers = {
            "other": Provider(base_url=self.other.base_url, api="chat_completions", secret_id=self.secret_id),
            "bedrock": Provider(base_url=self.aws.base_url, api="chat_completions", bedrock="runtime"),
        }
        changes = {"openai_base_url": self.first.base_url, "model_api": "chat_completions", "usage_days": 1}
        settings = settings_for(table_name, jwks_url)
        return settings.model_copy(update={**changes, "model_providers": providers})


@pytest.fixture
async def endpoints(key: ModelKey, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoints]:
    """Bedrock is open to the role whose credentials are in the environment, as Lambda puts them there.

    So is a key of Bedrock's, which the client would prefer if it were not told otherwise.
    """
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "a-key-of-bedrock-s")
    for name, value in (("ACCESS_KEY_ID", "ASIAROLE"), ("SECRET_ACCESS_KEY", "s3cr3t"), ("SESSION_TOKEN", "session")):
        monkeypatch.setenv(f"AWS_{name}", value)
    secret_id = f"other-key-{uuid.uuid4().hex}"
    secretsmanager_client(aws_endpoint).create_secret(Name=secret_id, SecretString="sk-of-the-other")
    async with (
        chat_completions.serving() as first,
        chat_completions.serving() as other,
        bedrock.serving({"ASIAROLE": "s3cr3t"}) as aws,
    ):
        yield Endpoints(first, other, aws, key, secret_id)


@pytest.fixture
async def stage(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, endpoints: Endpoints
) -> AsyncIterator[Stage]:
    settings = endpoints.settings(table_name, issuer.jwks_url)
    models = create_models(settings, endpoints.key)
    assistant = create_assistant(settings, models, build_agent("test-model"), choices=CHOICES)
    app = create_app(create_services(settings, assistant, DynamoDBStore(table_name, dynamodb), TELEMETRY))
    report = Report(Bulk(table_name, dynamodb))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as http:
        yield Stage(endpoints.first, endpoints.other, endpoints.aws, http, issuer, report)


@pytest.fixture
def alice(stage: Stage) -> ChatClient:
    return stage.user("alice")


async def ask(client: ChatClient, **options: Any) -> Answer:
    return await client.send("threads.create", input=message("Hello", inference_options=options))


async def test_each_provider_gets_its_own_models_and_its_own_key(alice: ChatClient, stage: Stage) -> None:
    stage.first.say(text("I am the first"), end(), usage())
    stage.other.say(text("I am the other"), end(), usage())
    assert (await ask(alice)).text == "I am the first"
    assert (await ask(alice, model="other")).text == "I am the other"
    assert [asked["model"] for asked in (*stage.first.requests, *stage.other.requests)] == [
        "test-model",
        "vendor/large",
    ]
    assert (stage.first.keys, stage.other.keys) == (["Bearer sk-of-the-test"], ["Bearer sk-of-the-other"])


async def test_bedrock_is_asked_with_the_roles_signature_and_without_a_key(alice: ChatClient, stage: Stage) -> None:
    stage.aws.model.say(text("Hello "), text("from Bedrock"), end(), usage())
    assert (await ask(alice, model="oss")).text == "Hello from Bedrock"
    [asked] = stage.aws.model.requests
    assert (asked["model"], asked["stream_options"]) == (GPT_OSS, {"include_usage": True})
    assert {"reasoning_effort", "verbosity"}.isdisjoint(asked)
    assert stage.aws.tokens == ["session"]
    assert stage.first.requests == []


async def test_signature_of_another_role_is_refused_and_shown_as_a_fault_of_the_setup(
    alice: ChatClient, stage: Stage, log: io.StringIO
) -> None:
    stage.aws.secrets["ASIAROLE"] = "another"
    answer = await ask(alice, model="oss")
    Expected("configuration", "The assistant is not set up correctly.", retry=False).check(answer, log, "s3cr3t")
    assert stage.aws.model.requests == []


async def test_role_without_credentials_is_a_fault_of_the_setup(
    alice: ChatClient, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}")
    answer = await ask(alice, model="oss")
    Expected("configuration", "The assistant is not set up correctly.", retry=False).check(answer, log, "s3cr3t")


async def test_thoughts_of_gpt_oss_are_no_words_of_the_answer(alice: ChatClient, stage: Stage) -> None:
    pieces = ("<reaso", "ning>They say hello. ", "I do, too.</", "reasoning>", "\n\nHello ", "there")
    stage.aws.model.say(*map(text, pieces), end(), usage())
    answer = await ask(alice, model="oss")
    assert answer.text == "Hello there"
    said = [item for item in await alice.items(answer.thread_id) if item["type"] == "assistant_message"]
    assert [item["content"][0]["text"] for item in said] == ["Hello there"]
    assert "__fake_id__" not in answer.body.decode()


async def test_tool_is_called_after_thoughts_and_forced_where_it_was_chosen(alice: ChatClient, stage: Stage) -> None:
    stage.aws.model.say(
        text("<reasoning>I show them.</reasoning>"), tool_call("show_tasks", "{}"), end("tool_calls"), usage()
    )
    stage.aws.model.say(text("<reasoning>Done.</reasoning>Here they are"), end(), usage())
    answer = await ask(alice, model="oss", tool_choice={"id": "show"})
    shown = [item["type"] for item in answer.items if item["type"] != "workflow"]
    assert shown == ["user_message", "widget", "assistant_message"]
    asked = [request.get("tool_choice") for request in stage.aws.model.requests]
    assert asked == [{"type": "function", "function": {"name": "show_tasks"}}, None]
    assert "<reasoning>" not in str(stage.aws.model.requests[-1]["messages"])


async def test_usage_is_the_models_with_its_provider(alice: ChatClient, stage: Stage) -> None:
    stage.aws.model.say(text("Hello"), end(), usage())
    await ask(alice, model="oss")
    [turn] = await stage.turns()
    assert turn.model == f"bedrock/{GPT_OSS}"
    assert turn.usage == Usage(input=30, output=5, requests=1)
    assert turn.cost is None  # the example's prices know no such model


async def test_usage_that_is_not_told_is_estimated(alice: ChatClient, stage: Stage) -> None:
    stage.other.say(text("A longer answer, " * 10), end())
    await ask(alice, model="other")
    [turn] = await stage.turns()
    assert turn.usage.requests == 1
    assert turn.usage.input > 0
    assert 40 <= turn.usage.output < 150


async def test_two_users_have_their_own_provider_and_usage(alice: ChatClient, stage: Stage) -> None:
    bob = stage.user("bob")
    stage.aws.model.say(text("For Alice"), end(), usage())
    stage.first.say(text("For Bob"), end(), usage())
    assert ((await ask(alice, model="oss")).text, (await ask(bob)).text) == ("For Alice", "For Bob")
    models = [[turn.model for turn in await stage.turns(user)] for user in ("alice", "bob")]
    assert models == [[f"bedrock/{GPT_OSS}"], ["test-model"]]
