"""A retry takes the old answer's place: whole, and not before there is something of the new one."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any, override

import pytest
from agents.items import TResponseStreamEvent
from agents.testing import ScriptedModel
from chatkit.types import (
    ClientToolCallItem,
    CustomTask,
    HiddenContextItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.calls import ActionCall
from chat_api.web.claims import HEADER
from chat_testing.app import App
from chat_testing.boto_calls import error, recorded
from chat_testing.builders import workflow_item
from chat_testing.chat import Answer, ChatClient, request
from chat_testing.models import ScriptedModels
from chat_testing.scripted_server import now
from chat_testing.spent import Make

RUN = "the-run-of-a-page-1"


def item_of(kind: str, thread: ThreadMetadata) -> ThreadItem:
    fields = {"thread_id": thread.id, "created_at": now()}
    match kind:
        case "workflow":
            return workflow_item(CustomTask(title="Old work"), **fields)
        case "call":
            return ClientToolCallItem(id="tc_1", call_id="call_1", name="look", arguments={}, **fields)
    return HiddenContextItem(id="hidden_1", content="Old and hidden", **fields)


async def answered(make: Make, *old: str) -> tuple[App, Answer]:
    """A thread with an answer that ends in these items."""

    async def add(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        for kind in old:
            yield ThreadItemDoneEvent(item=item_of(kind, call.thread))

    app = make(actions={"add": add})
    app.models.say("The old answer")
    created = await app.user("alice").create()
    action = {"type": "add", "payload": {}}
    await app.user("alice").send("threads.custom_action", thread_id=created.thread_id, action=action)
    return app, created


async def retried(client: ChatClient, created: Answer) -> Answer:
    params = {"thread_id": created.thread_id, "item_id": created.items[0]["id"]}
    return await client.post(json.dumps(request("threads.retry_after_item", **params)).encode(), **{HEADER: RUN})


async def texts(client: ChatClient, created: Answer) -> list[str]:
    return [item["content"][0]["text"] for item in await client.items(created.thread_id)]


OLD = pytest.mark.parametrize("old", ["workflow", "workflow, call", "workflow, hidden", "hidden, workflow, call"])


@OLD
async def test_new_answer_goes_on_with_nothing_of_the_old_one(make: Make, old: str) -> None:
    app, created = await answered(make, *old.split(", "))
    app.models.say("The new answer")
    answer = await retried(app.user("alice"), created)
    assert [item["type"] for item in answer.items] == ["assistant_message"]
    assert await texts(app.user("alice"), created) == ["Hello", "The new answer"]
    assert len([row for row in app.rows() if "'ITM#" in str(row["sk"])]) == 2


@OLD
async def test_retry_that_fails_leaves_the_old_answer_whatever_it_ends_in(make: Make, old: str) -> None:
    app, created = await answered(make, *old.split(", "))
    alice = app.user("alice")
    before = await alice.items(created.thread_id)
    app.models.model.enqueue(RuntimeError("no model today"))
    assert [event["type"] for event in (await retried(alice, created)).events] == ["stream_options", "error"]
    assert await alice.items(created.thread_id) == before


class Broken(ScriptedModel):
    """Begins to speak, and fails before the first word, when it may, once it `breaks`."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks, self.go_on = False, asyncio.Event()

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        async for event in super().stream_response(*args, **options):
            if self.breaks and event.type == "response.output_text.delta":
                await self.go_on.wait()
                raise RuntimeError("no")
            yield event


async def test_message_without_a_word_is_nothing_of_a_new_answer(make: Make) -> None:
    models = ScriptedModels()
    models.model = model = Broken()
    app = make(models)
    models.say("The old answer")
    created = await app.user("alice").create()
    app.doorway.sent.clear()
    model.breaks = True
    models.say("The new answer")
    retrying = asyncio.create_task(retried(app.user("alice"), created))
    async with asyncio.timeout(30):
        while b"content_part.added" not in app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
            await asyncio.sleep(0.02)
    model.go_on.set()
    assert (await retrying).events[-1]["type"] == "error"
    assert await texts(app.user("alice"), created) == ["Hello", "The old answer"]


@pytest.mark.parametrize("seconds", [0.4, 3.5], ids=["patience lasts", "patience is lost"])
async def test_stop_while_the_old_answer_is_removed_leaves_what_the_new_one_has(
    make: Make, dynamodb: DynamoDBClient, seconds: float
) -> None:
    app, loop = make(), asyncio.get_running_loop()
    alice = app.user("alice")
    app.models.say("The old answer")
    created = await alice.create()
    app.models.say("The new answer")

    def stop(_request: Any) -> None:
        stopping = alice.post(json.dumps({"run": RUN}).encode(), path="/chatkit/stop")
        asyncio.run_coroutine_threadsafe(stopping, loop).result(10)
        time.sleep(seconds)

    with recorded(dynamodb, "TransactWriteItems", stop):
        answer = await retried(alice, created)
    assert answer.events[-1]["type"] == "notice"
    question, new = await texts(alice, created)
    assert question == "Hello"
    assert new
    assert "The new answer".startswith(new)


async def test_old_answer_that_cannot_be_removed_whole_costs_nothing_of_the_new_one(
    make: Make, dynamodb: DynamoDBClient
) -> None:
    app, created = await answered(make, "call")
    app.models.say("The new answer")
    alice = app.user("alice")
    with recorded(dynamodb, "TransactWriteItems", lambda _: None, error("AccessDeniedException")):
        answer = await retried(alice, created)
    assert answer.events[-1]["type"] == "error"
    old, new = (await texts(alice, created))[1:]
    assert old == "The old answer"
    assert "The new answer".startswith(new)
