"""Models behind Chat Completions, through the real client and the whole server, are as those behind Responses."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest
from agents import Agent, RunConfig, Runner, function_tool
from chatkit.agents import AgentContext
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_models, create_services
from chat_api.settings import Settings
from chat_testing import chat_completions
from chat_testing.app import TELEMETRY, settings_for
from chat_testing.chat import ChatClient
from chat_testing.chat_completions import SILENT, ChatCompletions, end, text, tool_call, usage
from chat_testing.failures import Expected
from chat_testing.tokens import TokenIssuer
from chatkit_aws.context import RequestContext
from chatkit_aws.secrets import ModelKey
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Report, Usage

SECONDS = 2.0
"""How long the model may be silent."""


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"Rain in {city}"


@pytest.fixture
async def model() -> AsyncIterator[ChatCompletions]:
    async with chat_completions.serving() as served:
        yield served


def settings_of(model: ChatCompletions, table_name: str, jwks_url: str) -> Settings:
    changes = {"openai_base_url": model.base_url, "model_api": "chat_completions", "model_seconds": SECONDS}
    return settings_for(table_name, jwks_url).model_copy(update={**changes, "usage_days": 1})


@pytest.fixture
async def alice(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, model: ChatCompletions, key: ModelKey
) -> AsyncIterator[ChatClient]:
    settings = settings_of(model, table_name, issuer.jwks_url)
    agent = Agent[AgentContext[RequestContext]](name="a", instructions="Be brief.", tools=[weather], model="test-model")
    assistant = create_assistant(settings, create_models(settings, key), agent)
    app = create_app(create_services(settings, assistant, DynamoDBStore(table_name, dynamodb), TELEMETRY))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as http:
        yield ChatClient(http, issuer.mint("alice"))


async def texts(client: ChatClient, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await client.items(thread_id)]


async def used(table_name: str, dynamodb: DynamoDBClient) -> Usage:
    report = Report(Bulk(table_name, dynamodb))
    return (await report.user_day(Owner.of("default", "alice"), datetime.now(UTC).date())).usage


async def test_answers_stream_and_are_all_there_after_a_reload(alice: ChatClient, model: ChatCompletions) -> None:
    model.say(text("Hello "), text("Ann"), end(), usage())
    created = await alice.create("I am Ann")
    deltas = [event["update"].get("delta") for event in created.of_type("thread.item.updated")]
    assert [delta for delta in deltas if delta] == ["Hello ", "Ann"]
    model.say(text("You are Ann"), end(), usage())
    await alice.say(created.thread_id, "Who am I?")
    assert await texts(alice, created.thread_id) == ["I am Ann", "Hello Ann", "Who am I?", "You are Ann"]
    ids = [item["id"] for item in await alice.items(created.thread_id)]
    assert len(set(ids)) == 4
    assert "__fake_id__" not in ids


async def test_model_is_given_the_thread_and_its_instructions(alice: ChatClient, model: ChatCompletions) -> None:
    model.say(text("Hello Ann"), end())
    created = await alice.create("I am Ann")
    model.say(text("Ann"), end())
    await alice.say(created.thread_id, "Who am I?")
    messages = model.requests[-1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    for message, said in zip(messages, ("Be brief.", "I am Ann", "Hello Ann", "Who am I?"), strict=True):
        assert said in str(message)
    assert model.requests[-1]["model"] == "test-model"


async def test_tool_is_called_and_its_result_reaches_the_model(
    alice: ChatClient, model: ChatCompletions, table_name: str, dynamodb: DynamoDBClient
) -> None:
    model.say(tool_call("weather", '{"ci'), tool_call("", 'ty": "Rome"}'), end("tool_calls"), usage())
    model.say(text("It rains"), end(), usage())
    answer = await alice.create("What is the weather in Rome?")
    assert answer.text == "It rains"
    assert model.requests[-1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "Rain in Rome"}
    assert await used(table_name, dynamodb) == Usage(input=60, output=10, requests=2)


async def test_later_turn_is_given_calls_and_results_as_the_api_wants_them(
    alice: ChatClient, model: ChatCompletions
) -> None:
    model.say(tool_call("weather", '{"city": "Rome"}'), end("tool_calls"))
    model.say(text("It rains"), end())
    created = await alice.create("What is the weather in Rome?")
    model.say(text("Yes"), end())
    await alice.say(created.thread_id, "Still?")
    _, asked, called, result, answer, _ = model.requests[-1]["messages"]
    [call] = called["tool_calls"]
    assert (asked["role"], called["role"], answer) == (
        "user",
        "assistant",
        {"role": "assistant", "content": "It rains"},
    )
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Rome"}'}
    assert result == {"role": "tool", "tool_call_id": call["id"], "content": "Rain in Rome"}
    assert len(call["id"]) <= 40  # the most that OpenAI takes here


async def test_usage_is_asked_for_and_counted_with_its_details(
    alice: ChatClient, model: ChatCompletions, table_name: str, dynamodb: DynamoDBClient
) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 20}, "completion_tokens_details": {"reasoning_tokens": 2}}
    model.say(text("Hello"), end(), usage(**details))
    await alice.create()
    assert model.requests[0]["stream_options"] == {"include_usage": True}
    assert await used(table_name, dynamodb) == Usage(input=30, output=5, cached=20, reasoning=2, requests=1)


async def test_answer_that_is_not_streamed_comes_as_a_whole(model: ChatCompletions, key: ModelKey) -> None:
    settings = settings_of(model, "no-table", "http://127.0.0.1/jwks")
    config = RunConfig(model_provider=create_models(settings, key), tracing_disabled=True)
    result = await Runner.run(Agent(name="a", model="small"), "Hello", run_config=config)
    assert result.final_output == "A whole answer"
    assert Usage.of_run(result.context_wrapper.usage) == Usage(input=30, output=5, requests=1)
    assert (model.requests[0]["model"], "stream_options" in model.requests[0]) == ("small", False)


async def test_model_that_falls_silent_is_noticed_and_its_text_is_kept(
    alice: ChatClient, model: ChatCompletions, log: io.StringIO
) -> None:
    model.say(text("What there is"), SILENT)
    answer = await alice.create("Hello")
    Expected("model_timeout", "The model did not answer in time.", retry=True).check(answer, log, "sk-of-the-test")
    assert await texts(alice, answer.thread_id) == ["Hello", "What there is"]
