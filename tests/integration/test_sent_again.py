"""Outputs of client tools and answers to questions that are sent again, since what was said to them broke off."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from chatkit.types import (
    ClientToolCallItem,
    EndOfTurnItem,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)

from chat_api.runs.turn import MARGIN_SECONDS
from chat_api.toolkit.calls import ActionCall
from chat_testing.app import App
from chat_testing.chat import Answer
from chat_testing.models import PausingModel, PausingModels
from chat_testing.scripted_server import now
from chat_testing.spent import Make
from lambda_streaming.invocation import Invocation, current_invocation


async def asks_the_page(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    fields = {"thread_id": call.thread.id, "created_at": now()}
    yield ThreadItemDoneEvent(item=ClientToolCallItem(id="tc_1", call_id="c_1", name="look", arguments={}, **fields))


async def asks_the_user(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    fields = {"thread_id": call.thread.id, "created_at": now()}
    question = StructuredInputFreeform(id="when", question="When?")
    yield ThreadItemDoneEvent(item=StructuredInputItem(id="si_1", inputs=[question], **fields))


async def acts(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    yield ThreadItemDoneEvent(item=EndOfTurnItem(id="end_1", thread_id=call.thread.id, created_at=now()))


class Sender:
    """Sends what was asked for in a thread: as the page, or as the user."""

    def __init__(self, app: App, kind: str, thread_id: str) -> None:
        self.app, self.alice, self.kind, self.thread_id = app, app.user("alice"), kind, thread_id

    @classmethod
    async def of(cls, make: Make, kind: str) -> "Sender":
        app = make(PausingModels(), actions={"page": asks_the_page, "user": asks_the_user, "act": acts})
        model_of(app).go_on.set()
        app.models.say("Hi")
        sender = cls(app, kind, (await app.user("alice").create()).thread_id)
        await sender.act(kind)
        return sender

    async def act(self, kind: str) -> None:
        action = {"type": kind, "payload": {}}
        await self.alice.send("threads.custom_action", thread_id=self.thread_id, action=action)

    async def send(self, value: str) -> Answer:
        if self.kind == "page":
            output = {"thread_id": self.thread_id, "result": {"seen": value}}
            return await self.alice.send("threads.add_client_tool_output", **output)
        given = {"status": "answered", "answers": {"when": {"values": [value], "skipped": False}}}
        answers = {"thread_id": self.thread_id, "item_id": "si_1", "input": given}
        return await self.alice.send("threads.add_structured_input", **answers)

    async def fail(self, value: str, said: str) -> Answer:
        """Send it, and have the answer break off after these words."""
        model = model_of(self.app)
        model.go_on.clear()
        model.error = RuntimeError("no")
        self.app.models.say(said)
        self.app.doorway.sent.clear()
        turn = asyncio.create_task(self.send(value))
        async with asyncio.timeout(30):
            while said.encode() not in self.app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
                await asyncio.sleep(0.02)
        model.go_on.set()
        answer = await turn
        model.error = None
        return answer

    async def said(self) -> list[str]:
        items = await self.alice.items(self.thread_id)
        return [item["content"][0]["text"] for item in items if item["type"] == "assistant_message"]


def model_of(app: App) -> PausingModel:
    assert isinstance(app.models, PausingModels)
    return app.models.model


SENT = pytest.mark.parametrize("kind", ["page", "user"])


@SENT
async def test_what_was_sent_is_answered_again_in_place_of_the_answer_that_broke_off(make: Make, kind: str) -> None:
    sender = await Sender.of(make, kind)
    for said in ("What there is", "And once more"):
        assert (await sender.fail("a cat", said)).events[-1]["allow_retry"] is True
        assert await sender.said() == ["Hi", said]
    assert (await sender.send("a dog")).status == 409
    sender.app.models.say("A cat it is")
    again = await sender.send("a cat")
    assert again.text == "A cat it is"
    assert again.of_type("thread.item.removed")
    assert await sender.said() == ["Hi", "A cat it is"]
    assert "And once more" not in str(sender.app.models.model.calls[-1].input)
    assert (await sender.send("a cat")).status in {409, 422}


async def test_what_was_sent_is_answered_again_where_the_time_was_over_within_the_answer(make: Make) -> None:
    sender = await Sender.of(make, "page")
    model_of(sender.app).go_on.clear()
    sender.app.models.say("What there is")
    token = current_invocation.set(Invocation("request-1", time.time() + MARGIN_SECONDS + 1, None, "arn"))
    try:
        assert (await sender.send("a cat")).events[-1]["allow_retry"] is True
    finally:
        current_invocation.reset(token)
    model_of(sender.app).go_on.set()
    sender.app.models.say("A cat it is")
    assert (await sender.send("a cat")).text == "A cat it is"
    assert await sender.said() == ["Hi", "A cat it is"]


@SENT
@pytest.mark.parametrize("then", ["a message", "an action"])
async def test_what_was_sent_is_not_answered_again_once_the_thread_has_gone_on(
    make: Make, kind: str, then: str
) -> None:
    sender = await Sender.of(make, kind)
    await sender.fail("a cat", "What there is")
    if then == "a message":
        sender.app.models.say("Never mind")
        await sender.alice.say(sender.thread_id, "And now?")
    else:
        await sender.act("act")
    before = await sender.alice.items(sender.thread_id)
    assert (await sender.send("a cat")).status in {409, 422}
    assert await sender.alice.items(sender.thread_id) == before
