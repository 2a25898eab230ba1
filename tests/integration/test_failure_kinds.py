"""What ends an answer is told apart: the user learns what it was and whether to try again, the log has the cause."""

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import openai
import pytest
from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RunContextWrapper,
    function_tool,
)
from agents.exceptions import (
    AgentsException,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    ModelTimeoutError,
)
from agents.testing import assistant_message, function_call
from chatkit.agents import AgentContext
from chatkit.errors import CustomStreamError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.failures import failure_of
from chat_api.toolkit.calls import ActionCall
from chat_testing.app import App, application
from chat_testing.chat import Answer
from chat_testing.failures import Expected, failures
from chat_testing.models import PausingModels
from chat_testing.tokens import TokenIssuer
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ItemTooLarge, ModelKeyUnavailable, StoreUnavailable

SECRET = "a secret of the user's"


@pytest.fixture
def models() -> PausingModels:
    return PausingModels()


RAISED = [
    (RuntimeError(SECRET), Expected("unexpected", "Something went wrong.", retry=True)),
    (ModelTimeoutError(1.0), Expected("model_timeout", "The model did not answer in time.", retry=True)),
    (ModelBehaviorError(SECRET), Expected("model_output", "The model's answer could not be used.", retry=True)),
    (ModelRefusalError(SECRET), Expected("model_refusal", "The model declined to answer this.", retry=False)),
    (MaxTurnsExceeded(SECRET), Expected("max_turns", "The answer took too many steps.", retry=True)),
    (ModelKeyUnavailable(SECRET), Expected("configuration", "The assistant is not set up correctly.", retry=False)),
    (
        AgentsException("Error invoking MCP tool x on server y: " + SECRET),
        Expected("tool", "A tool failed.", retry=True),
    ),
]


@pytest.mark.parametrize(("error", "expected"), RAISED)
async def test_failing_model_call_is_told_apart(
    app: App, log: io.StringIO, error: Exception, expected: Expected
) -> None:
    app.models.model.enqueue(error)
    expected.check(await app.user("alice").create(), log, SECRET)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de-AT, en;q=0.5", "Das Modell hat nicht rechtzeitig geantwortet."),
        ("pt, fr;q=0.9", "Le modèle n'a pas répondu à temps."),
        ("xx", "The model did not answer in time."),
    ],
)
async def test_failure_is_told_in_the_language_of_the_request(app: App, language: str, text: str) -> None:
    app.models.model.enqueue(ModelTimeoutError(1.0))
    body = json.dumps(
        {"type": "threads.create", "params": {"input": {"content": [{"type": "input_text", "text": "Hi"}],
         "attachments": [], "inference_options": {}}}}
    ).encode()  # fmt: skip
    answer = await app.user("alice").post(body, **{"Accept-Language": language})
    message = answer.events[-1]["message"]
    assert message.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").startswith(text)
    assert message.endswith(answer.headers["x-request-id"])


def failing_tool(error: Exception) -> FunctionTool:
    async def look(run: RunContextWrapper[AgentContext[RequestContext]]) -> str:
        """Look."""
        raise error

    return function_tool(look, failure_error_function=None)


def trips(_context: object, _agent: object, _text: object) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info=SECRET, tripwire_triggered=True)


def agent(**options: Any) -> Agent[AgentContext[RequestContext]]:
    return Agent[AgentContext[RequestContext]](name="a", instructions="b", model="c", **options)


type Answered = Callable[[Agent[AgentContext[RequestContext]]], Awaitable[tuple[Answer, list[dict[str, Any]]]]]


@pytest.fixture
def answered(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> Answered:
    """An answer by an agent, for which `look` is called first if there is such a tool, and the thread's items then."""

    async def answer_by(by: Agent[AgentContext[RequestContext]]) -> tuple[Answer, list[dict[str, Any]]]:
        app = application(table_name, dynamodb, issuer, agent=by)
        if by.tools:
            app.models.model.enqueue([function_call("look", {}, call_id="c1", item_id="f1")])
        app.models.model.enqueue([assistant_message("Done", item_id="m1")])
        async with app.http:
            answer = await app.user("alice").create()
            return answer, await app.user("alice").items(answer.thread_id)

    return answer_by


@pytest.mark.parametrize("error", [RuntimeError(SECRET), StoreUnavailable(SECRET)])
async def test_tool_that_raises_ends_the_answer_where_it_is_to(
    answered: Answered, log: io.StringIO, error: Exception
) -> None:
    answer, items = await answered(agent(tools=[failing_tool(error)]))
    Expected("tool", "A tool failed.", retry=True).check(answer, log, SECRET)
    assert [item["type"] for item in items] == ["user_message"]


async def test_tool_may_say_itself_what_the_user_is_told(answered: Answered, log: io.StringIO) -> None:
    tool = failing_tool(CustomStreamError("Your list is full.", allow_retry=False))
    answer, _ = await answered(agent(tools=[tool]))
    assert (answer.events[-1]["message"], answer.events[-1]["allow_retry"]) == ("Your list is full.", False)
    assert failures(log) == []


@pytest.mark.parametrize(
    ("guardrails", "expected", "left"),
    [
        (
            {"input_guardrails": [InputGuardrail(trips)]},
            Expected("guardrail_input", "The assistant may not answer this.", retry=False),
            [],
        ),
        (
            {"output_guardrails": [OutputGuardrail(trips)]},
            Expected("guardrail_output", "The answer was withheld.", retry=True),
            ["user_message"],
        ),
    ],
)
async def test_guardrail_takes_back_what_it_forbids(
    answered: Answered, log: io.StringIO, guardrails: dict[str, Any], expected: Expected, left: list[str]
) -> None:
    answer, items = await answered(agent(**guardrails))
    expected.check(answer, log, SECRET)
    shown = {event["item"]["id"] for event in answer.of_type("thread.item.done")}
    removed = {event["item_id"] for event in answer.of_type("thread.item.removed")}
    assert [item["id"] for item in items] == list(shown - removed)
    assert [item["type"] for item in items] == left


async def test_answer_that_cannot_be_stored_is_told_so(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, log: io.StringIO
) -> None:
    async def say_much(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        content, thread = [AssistantMessageContent(text="x" * 6_000_000)], call.thread
        item = AssistantMessageItem(id="m1", thread_id=thread.id, created_at=thread.created_at, content=content)
        yield ThreadItemDoneEvent(item=item)

    app = application(table_name, dynamodb, issuer, actions={"say_much": say_much})
    async with app.http:
        app.models.say("Hi")
        thread_id = (await app.user("alice").create()).thread_id
        action = {"type": "say_much", "payload": {}}
        answer = await app.user("alice").send("threads.custom_action", thread_id=thread_id, action=action)
    Expected("store", "The answer is too long to be stored.", retry=False).check(answer, log, SECRET)


def test_kinds_of_the_store_and_the_client_are_known() -> None:
    error = openai.APIConnectionError(request=httpx2.Request("POST", "http://x"))
    assert failure_of(error).kind == "model_unreachable"
    error.__cause__ = ModelKeyUnavailable(SECRET)
    assert failure_of(error).kind == "configuration"
    assert failure_of(ItemTooLarge(2, 1)).allow_retry is False
    assert failure_of(StoreUnavailable()).allow_retry is True
