"""Whatever goes wrong around a decision: it can be made again as long as it does not count, and is never lost after."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from agents import Agent, GuardrailFunctionOutput, OutputGuardrail, function_tool
from chatkit.agents import AgentContext
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.assistant.agent import build_agent
from chat_api.assistant.run import Run
from chat_api.mcp_servers import McpServer
from chat_api.runs.turn import MARGIN_SECONDS
from chat_api.toolkit.guardrails import Guardrails
from chat_testing import mcp
from chat_testing.app import App, application
from chat_testing.approving import GONE, asked, decide, is_open, kept, shown, texts
from chat_testing.assistant import calls, given, tasks_of
from chat_testing.builders import context
from chat_testing.chat import ChatClient
from chat_testing.pause import Pause
from chat_testing.spent import Make
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from lambda_streaming.invocation import Invocation, current_invocation

ALLOWED = "You allowed this."
BROKEN = "You allowed this, but the answer broke off: it may not have been done."
NOT_NOW = "What this needs cannot be reached now. Nothing was done: please decide again later."
GO_ON = "What you decided counts. Write a message to go on."
TOLD = "It may not have been carried out"


async def titles(app: App) -> list[str]:
    return [task.title for task in await tasks_of(app, "alice").all()]


async def stop(app: App, thread_id: str) -> None:
    sent = json.dumps({"thread_id": thread_id}).encode()
    assert (await app.user("alice").post(sent, path="/chatkit/stop")).status == 202


async def told_next(app: App, thread_id: str) -> str:
    """What the model is given with the next message."""
    app.models.say("I see.")
    assert (await app.user("alice").say(thread_id, "Is it done?")).text == "I see."
    return given(app)


async def test_tool_that_is_not_there_spends_no_decision(
    app: App, alice: ChatClient, table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    answer = await asked(app)
    agent = build_agent("test-model")
    agent.tools = [tool for tool in agent.tools if tool.name != "delete_task"]
    other = application(table_name, dynamodb, issuer, agent=agent)
    async with other.http:
        refused = (await decide(other.user("alice"), answer, approved=True)).events[-1]
    assert (refused["message"], refused["allow_retry"]) == (NOT_NOW, False)
    assert is_open(await shown(alice, answer.thread_id))
    app.models.say("Deleted it.")
    assert (await decide(alice, answer, approved=True)).text == "Deleted it."
    assert await titles(app) == []


async def test_mcp_server_that_is_out_spends_no_decision(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    said = {"name": "tasks", "tools": ("add_task",), "private": True, "approval": "always", "caller_token": True}

    def configured(port: int) -> App:
        server = McpServer.model_validate({**said, "url": f"http://127.0.0.1:{port}/mcp"})
        return application(table_name, dynamodb, issuer, mcp_servers=(server,), mcp_seconds=5)

    async with serving_here(mcp.task_tools(table_name, dynamodb, issuer), lifespan="on") as port:
        app, alone = configured(port), configured(1)
        calls(app, "tasks__add_task", title="Call Bob")
        answer = await app.user("alice").create("Note it")
        refused = (await decide(alone.user("alice"), answer, approved=True)).events[-1]
        assert (refused["message"], refused["allow_retry"]) == (NOT_NOW, False)
        assert is_open(await shown(app.user("alice"), answer.thread_id))
        app.models.say("Noted.")
        assert (await decide(app.user("alice"), answer, approved=True)).text == "Noted."
        await app.close()
        await alone.close()
    assert await titles(app) == ["Call Bob"]


async def test_stop_while_servers_are_asked_for_their_tools_spends_no_decision(
    app: App, alice: ChatClient, table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    answer = await asked(app)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said = {"name": "slow", "url": f"http://127.0.0.1:{silent.getsockname()[1]}/mcp", "tools": ("find",)}
        server = McpServer.model_validate({**said, "private": True})
        slow = application(table_name, dynamodb, issuer, mcp_servers=(server,), mcp_seconds=60)
        deciding = asyncio.create_task(decide(slow.user("alice"), answer, approved=True))
        silent.settimeout(20)
        connection, _ = await asyncio.to_thread(silent.accept)
        await stop(slow, answer.thread_id)
        assert (await deciding).events[-1]["message"] == "The answer was stopped."
        connection.close()
        await slow.close()
    assert is_open(await shown(alice, answer.thread_id))
    app.models.say("Deleted it.")
    assert (await decide(alice, answer, approved=True)).text == "Deleted it."
    assert await titles(app) == []


@contextmanager
def at_write(dynamodb: DynamoDBClient, number: int, do: Callable[[], None]) -> Iterator[None]:
    """Have something done before one of the items that are written."""
    event, left = "before-send.dynamodb.TransactWriteItems", [number]

    def handle(request: Any, **_: Any) -> None:
        if b"ITM#" in request.body:
            left[0] -= 1
            if left[0] == 0:
                do()

    dynamodb.meta.events.register(event, handle)
    try:
        yield
    finally:
        dynamodb.meta.events.unregister(event, handle)


@pytest.mark.parametrize("number", range(1, 5))
async def test_stop_at_any_write_leaves_what_is_true(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient, number: int
) -> None:
    """The decision, the widget, the answer's message or the calls that are kept: each is being written as it comes."""
    answer = await asked(app)
    app.models.say("Deleted it.")
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait() -> None:
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(20)

    with at_write(dynamodb, number, wait):
        deciding = asyncio.create_task(decide(alice, answer, approved=True))
        await asyncio.wait_for(reached.wait(), 20)
        await stop(app, answer.thread_id)
        async with asyncio.timeout(10):
            while not (is_stopped := _one_is_cancelled()):  # noqa: ASYNC110 - it is the turn that is told
                await asyncio.sleep(0.02)
        go_on.set()
        decided = await deciding
    assert is_stopped
    assert decided.events[-1]["message"] == "The answer was stopped."
    is_done, widget = await titles(app) == [], await shown(alice, answer.thread_id)
    app.models.say("I see.")
    await alice.say(answer.thread_id, "Is it done?")
    assert not is_open(widget)
    assert texts(widget)[-1] == (ALLOWED if is_done else BROKEN)
    assert ("Deleted." in given(app), TOLD in given(app)) == (is_done, not is_done)
    assert is_done == (number > 2)


def _one_is_cancelled() -> bool:
    return any(task.cancelling() for task in asyncio.all_tasks())


async def test_calls_that_were_carried_out_before_a_failure_are_known(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.model.enqueue(RuntimeError("down"))
    failed = (await decide(alice, answer, approved=True)).events[-1]
    assert failed["allow_retry"] is False
    assert GO_ON in failed["message"]
    assert texts(await shown(alice, answer.thread_id))[-1] == ALLOWED
    assert (await decide(alice, answer, approved=True)).events[-1]["message"] == GONE
    told = await told_next(app, answer.thread_id)
    assert ("Deleted." in told, TOLD in told) == (True, False)


@pytest.fixture
def hanging() -> tuple[Agent[AgentContext[RequestContext]], Pause]:
    """An agent with a tool that waits for the user's leave and then hangs."""
    pause = Pause()

    @function_tool(needs_approval=True)
    async def send_mail(run: Run, to: str) -> str:
        await pause.wait()
        return f"Sent to {to}."

    agent = build_agent("test-model")
    agent.tools = [*agent.tools, send_mail]
    return agent, pause


async def test_call_that_was_stopped_is_told_as_one_that_may_not_have_been_carried_out(
    make: Make, hanging: tuple[Agent[AgentContext[RequestContext]], Pause]
) -> None:
    agent, pause = hanging
    app = make(agent=agent)
    alice = app.user("alice")
    calls(app, "send_mail", to="bob@example.com")
    answer = await alice.create("Mail Bob")
    deciding = asyncio.create_task(decide(alice, answer, approved=True))
    await asyncio.wait_for(pause.reached.wait(), 20)
    # As a process would leave it that dies now.
    [call] = (await kept(app, answer.thread_id))[-1]["calls"]
    assert (call["name"], TOLD in call["result"]) == ("send_mail", True)
    await stop(app, answer.thread_id)
    assert (await deciding).events[-1]["type"] == "notice"
    assert texts(await shown(alice, answer.thread_id))[-1] == BROKEN
    told = await told_next(app, answer.thread_id)
    assert TOLD in told
    assert "bob@example.com" in told


@pytest.mark.parametrize("is_sent_again", [True, False])
async def test_decision_of_a_process_that_died_is_shown_as_broken_off(
    make: Make, hanging: tuple[Agent[AgentContext[RequestContext]], Pause], is_sent_again: bool
) -> None:
    agent, pause = hanging
    app = make(agent=agent)
    alice, store = app.user("alice"), DynamoDBStore(app.table_name, app.dynamodb)
    calls(app, "send_mail", to="bob@example.com")
    answer = await alice.create("Mail Bob")
    deciding = asyncio.create_task(decide(alice, answer, approved=True))
    await asyncio.wait_for(pause.reached.wait(), 20)
    page = await store.load_thread_items(answer.thread_id, None, 10, "asc", context("alice", "default"))
    await stop(app, answer.thread_id)
    await deciding
    for item in page.data:
        await store.save_item(answer.thread_id, item, context("alice", "default"))
    assert texts(await shown(alice, answer.thread_id))[-1] == ALLOWED
    if is_sent_again:
        assert (await decide(alice, answer, approved=True)).events[-1]["message"] == GONE
        assert texts(await shown(alice, answer.thread_id))[-1] == BROKEN
    assert TOLD in await told_next(app, answer.thread_id)
    assert texts(await shown(alice, answer.thread_id))[-1] == BROKEN
    [note] = [content for content in await kept(app, answer.thread_id) if isinstance(content, dict)]
    assert note.keys() == {"kind", "calls"}


async def test_deadline_after_a_decision_offers_no_retry(
    make: Make, hanging: tuple[Agent[AgentContext[RequestContext]], Pause]
) -> None:
    app = make(agent=hanging[0])
    alice = app.user("alice")
    calls(app, "send_mail", to="bob@example.com")
    answer = await alice.create("Mail Bob")
    token = current_invocation.set(Invocation("request-1", time.time() + MARGIN_SECONDS + 2, None, "arn"))
    try:
        failed = (await decide(alice, answer, approved=True)).events[-1]
    finally:
        current_invocation.reset(token)
    assert failed["allow_retry"] is False
    assert failed["message"].startswith(f"The answer took too long. {GO_ON}")
    assert texts(await shown(alice, answer.thread_id))[-1] == BROKEN


async def test_answer_that_is_withheld_takes_nothing_back_that_was_done(make: Make) -> None:
    def trips(_run: Any, _agent: Any, said: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered="secret" in str(said))

    app = make(guardrails=Guardrails((), (OutputGuardrail(trips),)))
    alice = app.user("alice")
    answer = await asked(app)
    app.models.say("A secret.")
    failed = (await decide(alice, answer, approved=True)).events[-1]
    assert (failed["type"], failed["allow_retry"]) == ("error", False)
    assert texts(await shown(alice, answer.thread_id))[-1] == ALLOWED
    told = await told_next(app, answer.thread_id)
    assert (told.count("'function_call'"), "Deleted." in told, TOLD in told) == (1, True, False)


async def test_one_of_two_decisions_at_once_counts(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.say("As you wish.")
    both = await asyncio.gather(*(decide(alice, answer, approved=approved) for approved in (True, False)))
    assert sorted(decided.text for decided in both) == ["", "As you wish."]
    outcome = texts(await shown(alice, answer.thread_id))[-1]
    assert (await titles(app), outcome) in (([], ALLOWED), (["Call Bob"], "You did not allow this."))
