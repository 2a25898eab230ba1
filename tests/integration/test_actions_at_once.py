"""An action for which a widget waits, while something else changes the widget."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chatkit.types import (
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WidgetComponentUpdated,
)
from chatkit.widgets import Card, Text

from chat_api.toolkit.calls import ActionCall
from chat_testing.builders import widget_item
from chat_testing.chat import Answer, ChatClient
from chat_testing.scripted_server import now
from chat_testing.spent import Make


async def put(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    widget = Card(children=[Text(id="a", value="a"), Text(id="b", value="b")])
    item = widget_item(id="w_1", widget=widget, thread_id=call.thread.id, created_at=now())
    yield ThreadItemDoneEvent(item=item)


async def update(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    changed = WidgetComponentUpdated(component_id="b", component=Text(id="b", value="updated"))
    yield ThreadItemUpdatedEvent(item_id="w_1", update=changed)


async def remove(_call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    yield ThreadItemRemovedEvent(item_id="w_1")


class Click:
    """Writes into the first text of its sender; the first time it waits until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.times = 0

    async def __call__(self, call: ActionCall) -> SyncCustomActionResponse:
        self.times += 1
        self.begun.set()
        await self.go_on.wait()
        assert call.sender is not None
        _, second = call.sender.widget.model_dump()["children"]
        widget = Card(children=[Text(id="a", value="clicked"), Text(id="b", value=second["value"])])
        return SyncCustomActionResponse(updated_item=call.sender.model_copy(update={"widget": widget}))


async def clicked(make: Make, meanwhile: str | None) -> tuple[Click, ChatClient, str, Answer]:
    """A click on a widget while an action in the thread is carried out."""
    click = Click()
    actions = {"put": put, "update": update, "remove": remove}
    app = make(actions=actions, actions_at_once={"click": click})
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id

    async def act(kind: str) -> None:
        await alice.send("threads.custom_action", thread_id=thread_id, action={"type": kind, "payload": {}})

    await act("put")
    sent = {"thread_id": thread_id, "item_id": "w_1", "action": {"type": "click", "payload": {}}}
    clicking = asyncio.create_task(alice.send("threads.sync_custom_action", **sent))
    await asyncio.wait_for(click.begun.wait(), 30)
    if meanwhile is not None:
        await act(meanwhile)
    click.go_on.set()
    return click, alice, thread_id, await clicking


def values(item: dict[str, Any]) -> list[str]:
    return [text["value"] for text in item["widget"]["children"]]


@pytest.mark.parametrize(
    ("meanwhile", "expected", "times"), [(None, ["clicked", "b"], 1), ("update", ["clicked", "updated"], 2)]
)
async def test_action_at_once_undoes_nothing_that_an_answer_has_changed_meanwhile(
    make: Make, meanwhile: str | None, expected: list[str], times: int
) -> None:
    click, alice, thread_id, answer = await clicked(make, meanwhile)
    assert values(answer.json["updated_item"]) == expected
    assert values((await alice.items(thread_id))[-1]) == expected
    assert click.times == times


async def test_action_at_once_brings_no_widget_back_that_was_removed_meanwhile(make: Make) -> None:
    _, alice, thread_id, answer = await clicked(make, "remove")
    assert answer.status == 404
    assert [item["type"] for item in await alice.items(thread_id)] == ["user_message", "assistant_message"]


async def test_action_at_once_whose_widget_changes_each_time_may_be_tried_again(make: Make) -> None:
    async def restless(call: ActionCall) -> SyncCustomActionResponse:
        assert call.sender is not None
        changed = call.sender.model_copy(update={"copy_text": f"{call.sender.copy_text}."})
        await call.store.save_item(call.thread.id, changed, call.context)
        return SyncCustomActionResponse(updated_item=call.sender)

    app = make(actions={"put": put}, actions_at_once={"click": restless})
    app.models.say("Hi")
    alice = app.user("alice")
    sent: dict[str, Any] = {"thread_id": (await alice.create()).thread_id}
    await alice.send("threads.custom_action", **sent, action={"type": "put", "payload": {}})
    sent["action"] = {"type": "click", "payload": {}}
    assert (await alice.send("threads.sync_custom_action", **sent, item_id="w_1")).status == 503
