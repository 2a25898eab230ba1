"""An answer that ends early, by whatever: what it used is counted, what was seen is stored, why is told."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, override

import pytest
from agents.items import TResponseStreamEvent
from agents.testing import ScriptedModel
from botocore.exceptions import ReadTimeoutError
from chatkit.types import (
    ClientToolCallItem,
    ProgressUpdateEvent,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.failures import chain
from chat_api.toolkit.calls import ActionCall
from chat_api.web.claims import HEADER
from chat_testing.app import App
from chat_testing.boto_calls import error, recorded
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModels, ScriptedModels
from chat_testing.scripted_server import now
from chat_testing.spent import Make, used

RUN = "the-run-of-a-page-1"
TEXT = "What there is of the answer"


async def asked(client: ChatClient, text: str = "Hello", thread_id: str | None = None) -> Answer:
    asking = request("threads.create", input=message(text))
    if thread_id is not None:
        asking = request("threads.add_user_message", input=message(text), thread_id=thread_id)
    sent = json.dumps(asking).encode()
    return await client.post(sent, **{HEADER: RUN})


async def stop(client: ChatClient) -> None:
    assert (await client.post(json.dumps({"run": RUN}).encode(), path="/chatkit/stop")).status == 202


@contextmanager
def before_writing(dynamodb: DynamoDBClient, do: Callable[[Any], None]) -> Iterator[None]:
    """Have something done before each transaction is sent."""
    event = "before-send.dynamodb.TransactWriteItems"

    def handle(request: Any, **_: Any) -> None:
        do(request)

    dynamodb.meta.events.register(event, handle)
    try:
        yield
    finally:
        dynamodb.meta.events.unregister(event, handle)


async def paused(app: App) -> asyncio.Task[Answer]:
    """An answer whose words were sent, and which is not done."""
    assert isinstance(app.models, PausingModels)
    app.models.say(TEXT)
    turn = asyncio.create_task(asked(app.user("alice")))
    async with asyncio.timeout(30):
        while TEXT.encode() not in app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
            await asyncio.sleep(0.02)
    return turn


async def texts(app: App, answer: Answer) -> list[str]:
    return [item["content"][0]["text"] for item in await app.user("alice").items(answer.thread_id)]


async def test_answer_is_counted_although_its_thread_was_deleted_meanwhile(make: Make) -> None:
    app = make(PausingModels(), tokens_per_day=100_000)
    alice, turn = app.user("alice"), await paused(app)
    [thread] = (await alice.send("threads.list")).json["data"]
    await alice.send("threads.delete", thread_id=thread["id"])
    app.models.model.go_on.set()  # type: ignore[attr-defined]
    assert (await turn).events[-1]["allow_retry"] is False
    totals = await used(app)
    assert (totals.turns, totals.usage.input, totals.usage.output) == (1, 700, 200)


class Thinking(ScriptedModel):
    """Is asked, and says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        self.asked.set()
        await asyncio.Event().wait()
        async for event in super().stream_response(*args, **options):
            yield event


async def test_question_counts_where_the_model_was_stopped_before_its_first_word(make: Make) -> None:
    models = ScriptedModels()
    models.model = thinking = Thinking()
    app = make(models, tokens_per_day=100_000)
    turn = asyncio.create_task(asked(app.user("alice"), "word " * 700))
    await asyncio.wait_for(thinking.asked.wait(), 30)
    await stop(app.user("alice"))
    assert (await turn).events[-1]["type"] == "notice"
    usage = (await used(app)).usage
    assert (usage.requests, usage.output) == (1, 0)
    assert 700 < usage.input < 1_400


async def test_actions_count_among_the_requests_of_a_minute(make: Make) -> None:
    async def work(*_: object) -> AsyncIterator[ThreadStreamEvent]:
        yield ProgressUpdateEvent(text="Working")

    app = make(actions={"work": work}, requests_per_minute=3)
    app.models.say("Hi")
    alice = app.user("alice")
    params = {"thread_id": (await alice.create()).thread_id, "action": {"type": "work", "payload": {}}}
    kinds = [(await alice.send("threads.custom_action", **params)).events[-1]["type"] for _ in range(4)]
    assert kinds == ["progress_update", "progress_update", "error", "error"]


async def test_stopped_text_is_stored_although_storing_it_takes_long(make: Make, dynamodb: DynamoDBClient) -> None:
    app = make(PausingModels())
    turn, sent = await paused(app), []

    def lose(request: Any) -> None:
        """The first request has no answer in the time that a request has."""
        sent.append(request)
        if len(sent) == 1:
            time.sleep(3.2)
            raise ReadTimeoutError(endpoint_url=request.url)

    with before_writing(dynamodb, lose):
        await stop(app.user("alice"))
        answer = await turn
    assert answer.events[-1]["type"] == "notice"
    assert await texts(app, answer) == ["Hello", TEXT]


async def test_stop_while_a_failure_is_stored_changes_nothing_of_it(make: Make, dynamodb: DynamoDBClient) -> None:
    models = PausingModels()
    app, storing = make(models), asyncio.Event()
    turn, loop = await paused(app), asyncio.get_running_loop()
    models.model.error = RuntimeError("no more")

    def wait(_request: Any) -> None:
        loop.call_soon_threadsafe(storing.set)
        time.sleep(1)

    with before_writing(dynamodb, wait):
        models.model.go_on.set()
        await asyncio.wait_for(storing.wait(), 30)
        await stop(app.user("alice"))
        answer = await turn
    assert [event["type"] for event in answer.events[-2:]] == ["thread.item.done", "error"]
    assert await texts(app, answer) == ["Hello", TEXT]


async def test_stop_of_an_answer_in_a_deleted_thread_is_no_failure(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = make(PausingModels())
    alice, turn = app.user("alice"), await paused(app)
    [thread] = (await alice.send("threads.list")).json["data"]
    await alice.send("threads.delete", thread_id=thread["id"])
    await stop(alice)
    assert (await turn).events[-1]["type"] == "notice"
    assert [line for line in caplog.records if line.levelname == "ERROR"] == []


async def test_failed_answer_leaves_no_task_behind(make: Make) -> None:
    app, complaints = make(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    app.models.model.enqueue(RuntimeError("no"))
    await app.user("alice").create()
    gc.collect()
    await asyncio.sleep(0.1)
    assert complaints == []


async def test_model_that_says_nothing_at_all_has_failed(make: Make) -> None:
    app = make()
    app.models.model.enqueue([])
    answer = await app.user("alice").create()
    assert answer.events[-1]["message"].startswith("The model's answer could not be used.")


@pytest.mark.parametrize("delta", ["\ud83d", "and \ude00 half", "\ud83d\ude00"])
async def test_half_a_character_does_not_end_an_answer(make: Make, delta: str) -> None:
    app = make()
    app.models.say(f"Said {delta}")
    answer = await app.user("alice").create()
    assert answer.events[-1]["type"] == "thread.item.done"
    assert (await texts(app, answer))[-1].startswith("Said ")


def test_error_that_is_its_own_cause_ends() -> None:
    error = ValueError("bad")
    error.__cause__ = other = KeyError("worse")
    other.__cause__ = error
    assert list(chain(error)) == [error, other]


async def test_thread_whose_first_message_cannot_be_stored_is_not_there(make: Make, dynamodb: DynamoDBClient) -> None:
    app = make()
    alice = app.user("alice")
    app.models.say("Hi")
    lease_and_thread: list[Any] = [lambda _: None] * 2
    with recorded(dynamodb, "TransactWriteItems", *lease_and_thread, error("AccessDeniedException")) as calls:
        answer = await asked(alice)
    assert len(calls.operations) > 3  # it was taken back
    assert (answer.status, answer.json["status"]) == (500, 500)
    assert (await alice.send("threads.list")).json["data"] == []
    assert (await asked(alice)).text == "Hi"


async def test_output_of_a_client_tool_is_answered_although_the_first_answer_failed(make: Make) -> None:
    async def ask_the_page(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        fields = {"thread_id": call.thread.id, "created_at": call.thread.created_at + timedelta(hours=1)}
        wanted = {"call_id": "call_1", "name": "look", "arguments": {}}
        yield ThreadItemDoneEvent(item=ClientToolCallItem(id="tc_1", **wanted, **fields))

    app = make(actions={"ask": ask_the_page})
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    await alice.send("threads.custom_action", thread_id=thread_id, action={"type": "ask", "payload": {}})
    app.models.model.enqueue(RuntimeError("no"))
    output = {"thread_id": thread_id, "result": {"seen": "a cat"}}
    assert (await alice.send("threads.add_client_tool_output", **output)).events[-1]["allow_retry"] is True
    app.models.say("A cat")
    other = await alice.send("threads.add_client_tool_output", thread_id=thread_id, result={"seen": "a dog"})
    assert other.status == 409
    assert (await alice.send("threads.add_client_tool_output", **output)).text == "A cat"


@pytest.mark.parametrize(
    ("is_new", "before"),
    [(True, ["lease"]), (True, ["lease", "thread"]), (False, [])],
    ids=["new thread", "message of a new thread", "message"],
)
async def test_question_is_kept_where_the_stop_comes_while_it_is_stored(
    make: Make, dynamodb: DynamoDBClient, before: list[str], *, is_new: bool
) -> None:
    app, is_storing = make(), asyncio.Event()
    alice, loop = app.user("alice"), asyncio.get_running_loop()
    app.models.say("Before")
    thread_id = None if is_new else (await alice.create()).thread_id

    left = [*before]

    def wait(_request: Any) -> None:
        if left:
            left.pop()
        elif not is_storing.is_set():
            loop.call_soon_threadsafe(is_storing.set)
            time.sleep(1)

    with before_writing(dynamodb, wait):
        turn = asyncio.create_task(asked(alice, "The question", thread_id))
        await asyncio.wait_for(is_storing.wait(), 30)
        await stop(alice)
        answer = await turn
    assert answer.events[-1]["type"] == "notice"
    [thread] = (await alice.send("threads.list")).json["data"]
    assert (await alice.items(thread["id"]))[-1]["content"][0]["text"] == "The question"
    assert len(app.models.model.calls) == (0 if is_new else 1)


async def test_answers_to_questions_are_taken_again_where_answering_them_failed(make: Make) -> None:
    async def ask(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        fields = {"thread_id": call.thread.id, "created_at": now()}
        question = StructuredInputFreeform(id="when", question="When?")
        yield ThreadItemDoneEvent(item=StructuredInputItem(id="si_1", inputs=[question], **fields))

    app = make(actions={"ask": ask})
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    await alice.send("threads.custom_action", thread_id=thread_id, action={"type": "ask", "payload": {}})

    async def answer(text: str) -> Answer:
        given = {"status": "answered", "answers": {"when": {"values": [text], "skipped": False}}}
        return await alice.send("threads.add_structured_input", thread_id=thread_id, item_id="si_1", input=given)

    app.models.model.enqueue(RuntimeError("no"))
    assert (await answer("Today")).events[-1]["allow_retry"] is True
    assert (await answer("Tomorrow")).status == 409
    app.models.say("Today it is")
    again = await answer("Today")
    assert (again.events[0]["type"], again.text) == ("thread.item.replaced", "Today it is")
    assert (await answer("Today")).status == 409
