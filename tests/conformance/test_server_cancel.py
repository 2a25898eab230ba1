"""A turn that is cancelled keeps what the user has seen, on the DynamoDB store."""

import asyncio

import pytest
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
)

from chat_testing.chat import message
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now
from chatkit_aws.store import DynamoDBStore

CANCELLED = "The user cancelled the stream. Stop responding to the prior request."


def pending(thread: ThreadMetadata, *texts: str) -> ThreadItemAddedEvent:
    content = [AssistantMessageContent(text=text) for text in texts]
    return ThreadItemAddedEvent(
        item=AssistantMessageItem(id="msg_pending", thread_id=thread.id, created_at=now(), content=content)
    )


def more_text(delta: str) -> ThreadItemUpdatedEvent:
    update = AssistantMessageContentPartTextDelta(content_index=0, delta=delta)
    return ThreadItemUpdatedEvent(item_id="msg_pending", update=update)


async def cancelled_turn(server: ScriptedServer) -> str:
    """A first turn that is cancelled; the thread's id."""
    events: list[Event] = []
    with pytest.raises(asyncio.CancelledError):
        await server.stream_into(events, "threads.create", input=message("Hello"))
    return str(events[0]["thread"]["id"])


async def test_cancelled_turn_keeps_its_text_and_a_hidden_note(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield pending(thread, "Hello, ")
        yield more_text("World!")
        raise asyncio.CancelledError

    server = ScriptedServer(store, respond)
    thread_id = await cancelled_turn(server)
    kept = await store.load_item(thread_id, "msg_pending", OWNER)
    assert isinstance(kept, AssistantMessageItem)
    assert kept.content[0].text == "Hello, World!"
    note = (await store.load_thread_items(thread_id, None, 1, "desc", OWNER)).data[0]
    assert (note.type, getattr(note, "content", None)) == ("sdk_hidden_context", CANCELLED)
    assert [item["type"] for item in await server.items(thread_id)] == ["user_message", "assistant_message"]


@pytest.mark.parametrize("texts", [(), ("",), (" \n",)])
async def test_cancelled_turn_keeps_no_empty_message(store: DynamoDBStore, texts: tuple[str, ...]) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield pending(thread, *texts)
        raise asyncio.CancelledError

    thread_id = await cancelled_turn(ScriptedServer(store, respond))
    items = (await store.load_thread_items(thread_id, None, 10, "asc", OWNER)).data
    assert [item.type for item in items] == ["user_message", "sdk_hidden_context"]
    with pytest.raises(NotFoundError):
        await store.load_item(thread_id, "msg_pending", OWNER)
