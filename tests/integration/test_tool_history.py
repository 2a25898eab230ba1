"""Later turns are told what tools were called in earlier ones, and what they gave; the page never is."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    RunContextWrapper,
    StopAtTools,
    function_tool,
    output_guardrail,
)
from agents.testing import ModelStep, assistant_message, function_call
from chatkit.agents import AgentContext, ClientToolCall
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.server.memory.tool_calls import CALL_CHARACTERS, ITEM_CHARACTERS
from chat_api.web.claims import HEADER
from chat_testing.app import App, application
from chat_testing.approving import decide
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModels, ScriptedModels
from chat_testing.tokens import TokenIssuer
from chatkit_aws.context import RequestContext

Run = RunContextWrapper[AgentContext[RequestContext]]
type Apps = Callable[..., App]


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"meaning of {word}"


@function_tool
def read_book(pages: int) -> str:
    """Read a book."""
    return "page " * 1_000 * pages


@function_tool
async def ask_page(run: Run, question: str) -> str:
    """Ask the page."""
    run.context.client_tool_call = ClientToolCall(name="ask_page", arguments={"question": question})
    return "asked"


@function_tool(failure_error_function=None)
def explode() -> str:
    """Fail."""
    raise RuntimeError("boom")


@function_tool(needs_approval=True)
def destroy(thing: str) -> str:
    """Destroy a thing."""
    return f"{thing} is no more"


@output_guardrail
async def never(*_: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)


def agent(**options: Any) -> Agent[AgentContext[RequestContext]]:
    tools: list[FunctionTool] = [look_up, read_book, ask_page, explode, destroy]
    return Agent[AgentContext[RequestContext]](
        name="a", instructions="Be brief.", tools=[*tools], model="test-model",
        tool_use_behavior=StopAtTools(stop_at_tool_names=["ask_page"]), **options,
    )  # fmt: skip


@pytest.fixture
async def apps(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Apps]:
    made: list[App] = []

    def make(models: ScriptedModels | None = None, **options: Any) -> App:
        made.append(application(table_name, dynamodb, issuer, models, agent=agent(**options)))
        return made[-1]

    yield make
    for app in made:
        await app.http.aclose()


@pytest.fixture
def app(apps: Apps) -> App:
    return apps()


def call(name: str, number: int = 0, **arguments: Any) -> Any:
    return function_call(name, arguments, call_id=f"call_{number}", item_id=f"fc_{number}")


async def looked_up(app: App, client: ChatClient, *words: str) -> Answer:
    """A new thread in which the model looked these up at once before it answered."""
    app.models.model.enqueue([call("look_up", number, word=word) for number, word in enumerate(words)])
    app.models.say("Looked up")
    return await client.create("What is this?")


async def given_next(app: App, client: ChatClient, thread_id: str) -> list[dict[str, Any]]:
    """What the model is given in the next turn, without its message."""
    app.models.say("Yes")
    answer = await client.say(thread_id, "And now?")
    assert answer.text == "Yes", answer.body
    last = app.models.model.last_call
    assert last is not None
    return [dict(item) for item in last.input][:-1]


def pairs_of(given: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Names, arguments and results. Each call is directly before its result, and no id is twice."""
    calls = [item for item in given if item.get("type") == "function_call"]
    assert len({item["call_id"] for item in calls}) == len(calls)
    found = []
    for item, following in zip(given, [*given[1:], {}], strict=True):
        if item.get("type") == "function_call":
            assert (following["type"], following["call_id"]) == ("function_call_output", item["call_id"])
            assert "id" not in item
            found.append((item["name"], item["arguments"], following["output"]))
    assert len(found) == sum(item.get("type") == "function_call_output" for item in given)
    return found


def kinds(given: Sequence[dict[str, Any]]) -> list[str]:
    return [item.get("role") or str(item["type"]) for item in given]


def hidden(app: App) -> int:
    """How many items there are that nobody sees."""
    return sum(str(row["sk"]).count("ITM#") and "tc_" in str(row["sk"]) for row in app.rows())


async def test_later_turn_is_told_of_calls_and_results_where_they_were(app: App, alice: ChatClient) -> None:
    created = await looked_up(app, alice, "sun", "moon")
    given = await given_next(app, alice, created.thread_id)
    pair = ["function_call", "function_call_output"]
    assert kinds(given) == ["user", *pair, *pair, "assistant"]
    assert pairs_of(given) == [
        ("look_up", '{"word":"sun"}', "meaning of sun"), ("look_up", '{"word":"moon"}', "meaning of moon"),
    ]  # fmt: skip


async def test_page_is_told_of_neither_call_nor_item(app: App, alice: ChatClient) -> None:
    created = await looked_up(app, alice, "sun")
    shown = await alice.items(created.thread_id)
    assert [item["type"] for item in shown] == ["user_message", "assistant_message"]
    thread = (await alice.send("threads.get_by_id", thread_id=created.thread_id)).json
    for said in (created.body.decode(), json.dumps(shown), json.dumps(thread)):
        assert ("meaning of sun" in said, "hidden_context" in said) == (False, False)
    assert hidden(app) == 1


async def test_calls_after_words_stay_after_them_and_those_before_words_are_one_item(
    app: App, alice: ChatClient
) -> None:
    app.models.model.enqueue([assistant_message("Wait", item_id="m1"), call("look_up", 1, word="a")])
    app.models.model.enqueue([call("look_up", 2, word="b")])
    app.models.model.enqueue([call("look_up", 3, word="c")])
    app.models.say("Here")
    created = await alice.create("Go")
    given = await given_next(app, alice, created.thread_id)
    pair = ["function_call", "function_call_output"]
    assert kinds(given) == ["user", "assistant", *pair, *pair, *pair, "assistant"]
    assert [arguments for _, arguments, _ in pairs_of(given)] == [f'{{"word":"{word}"}}' for word in "abc"]
    assert hidden(app) == 1


async def test_turns_have_the_same_ids_again_and_the_history_has_not(app: App, alice: ChatClient) -> None:
    created = await looked_up(app, alice, "sun")
    app.models.model.enqueue([call("look_up", 0, word="moon")])
    app.models.say("Again")
    await alice.say(created.thread_id, "More")
    assert len(pairs_of(await given_next(app, alice, created.thread_id))) == 2


async def test_retry_takes_the_old_answer_s_calls_with_it(app: App, alice: ChatClient) -> None:
    created = await looked_up(app, alice, "sun")
    app.models.model.enqueue([call("look_up", 0, word="moon")])
    app.models.say("Another")
    message_id = created.items[0]["id"]
    await alice.send("threads.retry_after_item", thread_id=created.thread_id, item_id=message_id)
    given = await given_next(app, alice, created.thread_id)
    assert [result for _, _, result in pairs_of(given)] == ["meaning of moon"]
    assert "Looked up" not in str(given)
    assert hidden(app) == 1


async def test_turn_that_fails_after_its_tools_leaves_whole_pairs(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("look_up", 1, word="sun")])
    app.models.model.enqueue(ModelStep(error=RuntimeError("gone")))
    failed = await alice.create("Go")
    assert failed.events[-1]["type"] == "error"
    given = await given_next(app, alice, failed.thread_id)
    assert [result for _, _, result in pairs_of(given)] == ["meaning of sun"]


async def test_tool_that_ends_the_turn_leaves_no_half(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("look_up", 1, word="sun")])
    app.models.model.enqueue([call("explode", 2), call("look_up", 3, word="moon")])
    failed = await alice.create("Go")
    results = [result for _, _, result in pairs_of(await given_next(app, alice, failed.thread_id))]
    assert results[0] == "meaning of sun"
    assert "explode" not in str(results)


async def test_turn_that_is_stopped_leaves_whole_pairs(apps: Apps) -> None:
    models = PausingModels()
    app = apps(models=models)
    client = app.user("alice")
    models.model.enqueue([call("look_up", 1, word="sun")])
    models.model.enqueue([assistant_message("Half of", item_id="m1"), call("look_up", 2, word="moon")])
    body = json.dumps(request("threads.create", input=message("Go"))).encode()
    turn = asyncio.create_task(client.post(body, None, **{HEADER: "run-of-the-test-1"}))
    async with asyncio.timeout(30):
        while b"Half of" not in app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
            await asyncio.sleep(0.02)
    await client.post(b'{"run": "run-of-the-test-1"}', "/chatkit/stop")
    stopped = await turn
    models.model.go_on.set()
    given = await given_next(app, client, stopped.thread_id)
    assert [result for _, _, result in pairs_of(given)] == ["meaning of sun"]
    assert kinds(given) == ["user", "function_call", "function_call_output", "assistant", "user"]


async def test_long_results_are_cut_and_say_so(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("read_book", 1, pages=2)])
    app.models.say("Read")
    created = await alice.create("Read")
    [(_, _, result)] = pairs_of(await given_next(app, alice, created.thread_id))
    assert result.startswith("page page")
    assert result.endswith(f"[cut: {10_000 - CALL_CHARACTERS:,} more characters are not kept]")


async def test_many_calls_share_what_an_item_may_have(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("read_book", number, pages=1) for number in range(40)])
    app.models.say("Read")
    created = await alice.create("Read")
    results = [result for _, _, result in pairs_of(await given_next(app, alice, created.thread_id))]
    assert len(results) == 40
    assert sum(map(len, results)) < 1.2 * ITEM_CHARACTERS


async def test_arguments_are_an_object_whatever_the_model_made_of_them(app: App, alice: ChatClient) -> None:
    broken = function_call("look_up", "{", call_id="call_1", item_id="fc_1")
    app.models.model.enqueue([broken, call("look_up", 2, word="long " * 2_000)])
    app.models.say("Done")
    created = await alice.create("Go")
    for _, arguments, _ in pairs_of(await given_next(app, alice, created.thread_id)):
        assert isinstance(json.loads(arguments), dict)
        assert len(arguments) < 1.1 * CALL_CHARACTERS


async def test_call_that_the_page_carries_out_is_there_once(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("look_up", 1, word="sun")])
    app.models.model.enqueue([call("ask_page", 2, question="which?")])
    created = await alice.create("Go")
    assert created.items[-1]["type"] == "client_tool_call"
    app.models.say("Fine")
    await alice.send("threads.add_client_tool_output", thread_id=created.thread_id, result={"this": "one"})
    found = pairs_of(await given_next(app, alice, created.thread_id))
    assert [(name, result) for name, _, result in found] == [
        ("look_up", "meaning of sun"), ("ask_page", '{"this": "one"}'),
    ]  # fmt: skip


async def test_output_is_answered_again_where_the_answer_failed_after_its_tools(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("ask_page", 1, question="which?")])
    created = await alice.create("Go")
    output = {"thread_id": created.thread_id, "result": {"this": "one"}}
    app.models.model.enqueue([call("look_up", 2, word="sun")])
    app.models.model.enqueue(ModelStep(error=RuntimeError("gone")))
    await alice.send("threads.add_client_tool_output", **output)
    app.models.say("Fine")
    assert (await alice.send("threads.add_client_tool_output", **output)).text == "Fine"


async def test_calls_before_and_after_an_approval_are_kept_once(app: App, alice: ChatClient) -> None:
    app.models.model.enqueue([call("look_up", 1, word="sun"), call("destroy", 2, thing="it")])
    asked = await alice.create("Go")
    app.models.model.enqueue([call("look_up", 3, word="moon")])
    app.models.say("Done")
    assert (await decide(alice, asked, approved=True)).text == "Done"
    found = pairs_of(await given_next(app, alice, asked.thread_id))
    assert [result for _, _, result in found] == ["meaning of sun", "it is no more", "meaning of moon"]


async def test_calls_are_kept_where_a_guardrail_withholds_the_answer(apps: Apps, alice: ChatClient) -> None:
    app = apps(output_guardrails=[never])
    client = app.user("alice")
    app.models.model.enqueue([assistant_message("Wait", item_id="m0"), call("look_up", 1, word="sun")])
    app.models.say("No")
    created = await client.create("Go")
    assert created.events[-1]["type"] == "error"
    assert [item["type"] for item in await client.items(created.thread_id)] == ["user_message"]
    assert hidden(app) == 1
    assert "tc_" not in created.body.decode()


async def test_calls_of_one_user_are_not_given_to_another(app: App, alice: ChatClient) -> None:
    created = await looked_up(app, alice, "sun")
    app.models.say("Hello")
    other = await app.user("bob").create("Hello")
    assert pairs_of(await given_next(app, app.user("bob"), other.thread_id)) == []
    assert (await app.user("bob").say(created.thread_id, "Mine?")).status == 404


async def test_broken_item_is_left_out_and_the_rest_is_given(
    app: App, alice: ChatClient, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await looked_up(app, alice, "sun")

    def fail(*_: object) -> None:
        raise KeyError("of a later version")

    monkeypatch.setattr("chat_api.server.memory.tool_calls.to_inputs", fail)
    given = await given_next(app, alice, created.thread_id)
    assert kinds(given) == ["user", "assistant"]
    assert log.getvalue().count("items are left out of what the model sees") == 1
    assert "meaning of sun" not in log.getvalue()


async def test_row_that_cannot_be_read_is_left_out_of_turns_and_pages(
    app: App, alice: ChatClient, log: io.StringIO
) -> None:
    app.models.say("one")
    created = await alice.create("question 0")
    for number in range(1, 4):
        app.models.say("more")
        await alice.say(created.thread_id, f"question {number}")
    items = await alice.items(created.thread_id)
    lost = items[2]["id"]
    damage(app, lost)
    left = [item["id"] for item in items if item["id"] != lost]
    assert [item["id"] for item in await alice.items(created.thread_id)] == left
    assert "question 1" not in str(await given_next(app, alice, created.thread_id))
    assert log.getvalue().count("an item is left out, it cannot be read") >= 2
    read: list[str] = []
    after: str | None = None
    for _ in range(20):
        params = {"thread_id": created.thread_id, "order": "asc", "limit": 2, "after": after}
        page = (await alice.send("items.list", **params)).json
        read += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        after = page["after"]
    assert read[: len(left)] == left
    assert len(read) == len(left) + 2  # the turn since


def damage(app: App, item_id: str) -> None:
    """Have an item's row be of a version that nobody knows."""
    [row] = [row for row in app.rows() if f"#{item_id}" in str(row["sk"]) and "ITM#" in str(row["sk"])]
    app.dynamodb.put_item(TableName=app.table_name, Item={**row, "body": {"B": b"\x63later"}})  # type: ignore[dict-item]  # as it was read
