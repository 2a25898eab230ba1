"""Widgets, actions on them, and items that are removed or replaced, on the DynamoDB store."""

from typing import Any

import pytest
from chatkit.actions import Action
from chatkit.server import stream_widget
from chatkit.store import NotFoundError
from chatkit.types import (
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot

from chat_testing.builders import widget_item
from chat_testing.scripted_server import OWNER, Events, ScriptedServer, now, said, types_of
from chatkit_aws.store import DynamoDBStore

CLICK = {"type": "click", "payload": {"number": 1}}


async def asks_with_widget(thread: ThreadMetadata, *_: object) -> Events:
    yield ThreadItemDoneEvent(item=widget_item("Click me", thread_id=thread.id, created_at=now()))


async def replies(thread: ThreadMetadata, *_: object) -> Events:
    yield said(thread, "Hi", "msg_a")


async def test_action_is_answered_with_its_widget_at_hand(store: DynamoDBStore) -> None:
    seen: list[tuple[Action[str, Any], WidgetItem | None]] = []

    async def act(thread: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None) -> Events:
        seen.append((action, sender))
        yield said(thread, "Clicked", "msg_clicked")

    server = ScriptedServer(store, asks_with_widget, act=act)
    thread_id, _ = await server.create()
    events = await server.stream("threads.custom_action", thread_id=thread_id, item_id="wid_1", action=CLICK)
    assert types_of(events) == ["stream_options", "thread.item.done"]
    action, sender = seen[0]
    assert (action.type, action.payload) == ("click", {"number": 1})
    assert sender is not None
    assert sender.widget == widget_item("Click me").widget
    assert [item["type"] for item in await server.items(thread_id)] == ["user_message", "widget", "assistant_message"]


async def test_action_of_something_else_than_a_widget_is_an_error(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, replies)
    thread_id, _ = await server.create()
    events = await server.stream("threads.custom_action", thread_id=thread_id, item_id="msg_a", action=CLICK)
    assert events == [{"type": "error", "code": "stream.error", "allow_retry": False}]


async def test_action_without_a_widget_is_answered(store: DynamoDBStore) -> None:
    seen: list[WidgetItem | None] = []

    async def act(_: ThreadMetadata, __: Action[str, Any], sender: WidgetItem | None) -> Events:
        seen.append(sender)
        return
        yield

    server = ScriptedServer(store, act=act)
    thread_id, _ = await server.create()
    await server.stream("threads.custom_action", thread_id=thread_id, action=CLICK)
    assert seen == [None]


async def test_sync_action_answers_with_the_changed_widget(store: DynamoDBStore) -> None:
    def sync_act(_: ThreadMetadata, action: Action[str, Any], sender: WidgetItem | None) -> SyncCustomActionResponse:
        assert sender is not None
        widget = DynamicWidgetRoot.model_validate(
            {"type": "Card", "children": [{"type": "Text", "value": action.type}]}
        )
        return SyncCustomActionResponse(updated_item=sender.model_copy(update={"widget": widget}))

    server = ScriptedServer(store, asks_with_widget, sync_act=sync_act)
    thread_id, _ = await server.create()
    params: dict[str, Any] = {"thread_id": thread_id, "item_id": "wid_1", "action": CLICK}
    answer = await server.answer("threads.sync_custom_action", **params)
    assert answer["updated_item"]["widget"]["children"] == [{"type": "Text", "value": "click"}]


async def test_action_on_an_unknown_widget_is_not_found(store: DynamoDBStore) -> None:
    server = ScriptedServer(store)
    thread_id, _ = await server.create()
    with pytest.raises(NotFoundError):
        await server.stream("threads.custom_action", thread_id=thread_id, item_id="wid_none", action=CLICK)


async def test_removed_item_is_gone(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "Oops", "msg_a")
        yield ThreadItemRemovedEvent(item_id="msg_a")
        yield ThreadItemRemovedEvent(item_id="msg_never_stored")

    server = ScriptedServer(store, respond)
    thread_id, events = await server.create()
    assert types_of(events)[-2:] == ["thread.item.removed"] * 2
    assert [item["type"] for item in await server.items(thread_id)] == ["user_message"]


async def test_replaced_item_has_its_place_and_new_content(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "Old", "msg_a")
        yield said(thread, "After it", "msg_b")
        yield ThreadItemReplacedEvent(item=said(thread, "New", "msg_a").item)

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    items = await server.items(thread_id)
    assert [item["content"][0]["text"] for item in items] == ["Hello", "New", "After it"]


async def test_message_is_replaced_by_a_widget(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield ThreadItemDoneEvent(item=widget_item("Old", thread_id=thread.id, created_at=now()))
        yield ThreadItemReplacedEvent(item=widget_item("New", thread_id=thread.id, created_at=now()))

    thread_id, events = await ScriptedServer(store, respond).create()
    assert types_of(events)[-1] == "thread.item.replaced"
    stored = await store.load_item(thread_id, "wid_1", OWNER)
    assert isinstance(stored, WidgetItem)
    assert stored.widget == widget_item("New").widget


@pytest.mark.parametrize("component_id", ["text", None], ids=["grows", "is replaced"])
async def test_streamed_widget_is_stored_as_it_was_last(store: DynamoDBStore, component_id: str | None) -> None:
    def card(value: str) -> DynamicWidgetRoot:
        text = {"type": "Text", "id": component_id or value, "value": value}
        return DynamicWidgetRoot.model_validate({"type": "Card", "children": [text]})

    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        async def states() -> Any:
            for value in ["Hello", "Hello, world"]:
                yield card(value)

        async for event in stream_widget(thread, states()):
            yield event

    thread_id, events = await ScriptedServer(store, respond).create()
    assert types_of(events)[-3:] == ["thread.item.added", "thread.item.updated", "thread.item.done"]
    stored = (await store.load_thread_items(thread_id, None, 1, "desc", OWNER)).data[0]
    assert isinstance(stored, WidgetItem)
    assert stored.widget == card("Hello, world")
