"""A model that fails or falls silent, through the real client: what the user is told, what is kept, what is logged."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable

import httpx2
import pytest
from agents import Agent, RunConfig, Runner
from agents.exceptions import ModelTimeoutError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_models, create_services
from chat_testing import failing_model
from chat_testing.app import TELEMETRY, settings_for
from chat_testing.chat import ChatClient
from chat_testing.failing_model import SECRET, FailingModel, error, failed, incomplete
from chat_testing.failures import Expected
from chat_testing.said import wait_until_said
from chat_testing.tokens import TokenIssuer
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store import DynamoDBStore

SECONDS = 0.5
"""How long the model may be silent, where the test waits for that."""
TEXT = "What there is of the answer"

SILENT = Expected("model_timeout", "The model did not answer in time.", retry=True)
UNREACHABLE = Expected("model_unreachable", "The model cannot be reached.", retry=True)
OVERLOADED = Expected("model_overloaded", "The model is overloaded.", retry=True)
SETUP = Expected("configuration", "The assistant is not set up correctly.", retry=False)
TOO_LONG = Expected("context_length", "This conversation is too long for the model.", retry=False)
DECLINED = Expected("model_refusal", "The model declined to answer this.", retry=False)
UNFIT = Expected("model_request", "The model could not take this request.", retry=False)
UNUSABLE = Expected("model_output", "The model's answer could not be used.", retry=True)


@pytest.fixture
async def model() -> AsyncIterator[FailingModel]:
    async with failing_model.serving() as served:
        yield served


@pytest.fixture
def model_seconds() -> float:
    return 30


@pytest.fixture
async def alice(  # noqa: PLR0913, PLR0917 - fixtures
    table_name: str,
    dynamodb: DynamoDBClient,
    issuer: TokenIssuer,
    model: FailingModel,
    key: ModelKey,
    model_seconds: float,
) -> AsyncIterator[ChatClient]:
    changes = {"openai_base_url": model.base_url, "model_seconds": model_seconds}
    settings = settings_for(table_name, issuer.jwks_url).model_copy(update=changes)
    store = DynamoDBStore(table_name, dynamodb)
    assistant = create_assistant(settings, create_models(settings, key))
    app = create_app(create_services(settings, assistant, store, TELEMETRY))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as http:
        yield ChatClient(http, issuer.mint("alice"))


async def texts(client: ChatClient, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await client.items(thread_id)]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, None, OVERLOADED),
        (429, "rate_limit_exceeded", OVERLOADED),
        (429, "insufficient_quota", SETUP),
        (500, None, OVERLOADED),
        (503, "server_error", OVERLOADED),
        (409, None, OVERLOADED),
        (408, None, SILENT),
        (401, "invalid_api_key", SETUP),
        (402, None, SETUP),
        (403, None, SETUP),
        (404, "model_not_found", SETUP),
        (400, "context_length_exceeded", TOO_LONG),
        (413, None, TOO_LONG),
        (400, "content_filter", DECLINED),
        (400, "invalid_prompt", DECLINED),
        (400, None, UNFIT),
        (422, None, UNFIT),
        (418, None, UNFIT),
    ],
)
async def test_refusal_is_told_by_its_code_and_its_status(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    alice: ChatClient, model: FailingModel, log: io.StringIO, status: int, code: str | None, expected: Expected
) -> None:
    model.refuse(status, code)
    answer = await alice.create("Hello")
    expected.check(answer, log, SECRET)
    assert await texts(alice, answer.thread_id) == ["Hello"]


def say(last: failing_model.Event | None = None) -> Callable[[FailingModel], None]:
    return lambda model: model.say(TEXT, last)


def break_off(model: FailingModel) -> None:
    model.say(TEXT)
    model.length = 100_000


def say_no_json(model: FailingModel) -> None:
    model.say(TEXT)
    model.last = b"data: {" + SECRET.encode() + b"\n\n"


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (say(failed("server_error")), OVERLOADED),
        (say(failed("rate_limit_exceeded")), OVERLOADED),
        (say(failed("context_length_exceeded")), TOO_LONG),
        (say(failed("invalid_prompt")), DECLINED),
        (say(failed("something_new")), UNUSABLE),
        (say(incomplete("content_filter")), DECLINED),
        (say(incomplete("max_output_tokens")), UNUSABLE),
        (say(error("server_error")), OVERLOADED),
        (say(), UNUSABLE),
        (say_no_json, UNUSABLE),
        (break_off, UNREACHABLE),
    ],
    ids=["failed", "failed-limit", "failed-length", "failed-prompt", "failed-new", "filtered", "cut", "error", "ended",
         "no-json", "broken"],
)  # fmt: skip
async def test_failure_after_some_text_keeps_the_text(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    alice: ChatClient,
    model: FailingModel,
    log: io.StringIO,
    table_name: str,
    dynamodb: DynamoDBClient,
    begin: Callable[[FailingModel], None],
    expected: Expected,
) -> None:
    begin(model)
    turn = asyncio.create_task(alice.create("Hello"))
    await wait_until_said(TEXT, table_name, dynamodb)
    model.go_on.set()
    answer = await turn
    expected.check(answer, log, SECRET)
    assert answer.items[-1]["content"][0]["text"] == TEXT
    assert await texts(alice, answer.thread_id) == ["Hello", TEXT]


@pytest.mark.parametrize("model_seconds", [SECONDS])
@pytest.mark.parametrize("comment_seconds", [None, SECONDS / 10])
async def test_model_that_falls_silent_is_noticed_and_its_text_is_kept(
    alice: ChatClient, model: FailingModel, log: io.StringIO, comment_seconds: float | None
) -> None:
    model.say(TEXT)
    model.waits, model.is_silent, model.comment_seconds = False, True, comment_seconds
    answer = await alice.create("Hello")
    SILENT.check(answer, log, SECRET)
    assert answer.items[-1]["content"][0]["text"] == TEXT
    assert await texts(alice, answer.thread_id) == ["Hello", TEXT]
    async with asyncio.timeout(5):
        await model.left.wait()


@pytest.mark.parametrize("model_seconds", [SECONDS])
@pytest.mark.parametrize("has_head", [True, False])
async def test_model_that_says_nothing_is_asked_once_and_given_up_in_time(
    alice: ChatClient, model: FailingModel, log: io.StringIO, has_head: bool
) -> None:
    model.begin()
    model.has_head, model.is_silent = has_head, True
    began = time.monotonic()
    answer = await alice.create("Hello")
    assert SECONDS < time.monotonic() - began < SECONDS + 5
    SILENT.check(answer, log, SECRET)
    assert model.requests == 1
    async with asyncio.timeout(5):
        await model.left.wait()
    model.refuse(500, None)
    assert (await alice.say(answer.thread_id, "And now?")).status == 200


async def test_answer_that_is_not_streamed_has_that_time_in_all(model: FailingModel, key: ModelKey) -> None:
    changes = {"openai_base_url": model.base_url, "model_seconds": SECONDS}
    settings = settings_for("no-table", "http://127.0.0.1/jwks").model_copy(update=changes)
    model.begin()
    model.has_head, model.is_silent = False, True
    config = RunConfig(model_provider=create_models(settings, key), tracing_disabled=True)
    with pytest.raises(ModelTimeoutError):
        await Runner.run(Agent(name="a", instructions="b"), "Hello", run_config=config)
    assert model.requests == 1


async def test_connection_that_is_closed_at_once_is_tried_once_more(
    alice: ChatClient, model: FailingModel, log: io.StringIO
) -> None:
    model.has_head = False
    UNREACHABLE.check(await alice.create("Hello"), log, SECRET)
    assert model.requests == 2
