"""What a turn changes in its thread is streamed and kept, on the DynamoDB store."""

import pytest
from chatkit.types import (
    ClosedStatus,
    LockedStatus,
    ThreadMetadata,
    ThreadStatus,
)

from chat_testing.scripted_server import OWNER, Events, ScriptedServer, said, types_of
from chatkit_aws.store import DynamoDBStore


async def test_title_and_metadata_set_in_a_turn_are_kept(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        thread.title = "A title"
        thread.metadata = {"private": "yes"}
        yield said(thread, "Hi", "msg_a")

    thread_id, events = await ScriptedServer(store, respond).create()
    assert types_of(events)[-2:] == ["thread.item.done", "thread.updated"]
    assert events[-1]["thread"]["title"] == "A title"
    assert "private" not in str(events)
    loaded = await store.load_thread(thread_id, OWNER)
    assert (loaded.title, loaded.metadata) == ("A title", {"private": "yes"})


@pytest.mark.parametrize("status", [LockedStatus(reason="too long"), ClosedStatus(reason="solved")])
async def test_status_set_in_a_turn_is_kept(store: DynamoDBStore, status: ThreadStatus) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        thread.status = status
        return
        yield

    server = ScriptedServer(store, respond)
    thread_id, events = await server.create()
    assert events[-1]["thread"]["status"] == status.model_dump()
    assert (await store.load_thread(thread_id, OWNER)).status == status
    assert (await server.answer("threads.get_by_id", thread_id=thread_id))["status"] == status.model_dump()


async def test_image_domains_set_in_a_turn_are_streamed_and_kept(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        thread.allowed_image_domains = ["example.com"]
        return
        yield

    thread_id, events = await ScriptedServer(store, respond).create()
    assert events[-1]["thread"]["allowed_image_domains"] == ["example.com"]
    assert (await store.load_thread(thread_id, OWNER)).allowed_image_domains == ["example.com"]


async def test_image_domains_that_are_not_set_are_not_streamed(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        thread.title = "A title"
        return
        yield

    _, events = await ScriptedServer(store, respond).create()
    assert types_of(events)[-1] == "thread.updated"
    assert "allowed_image_domains" not in str(events)


async def test_title_set_between_two_messages_is_streamed_between_them(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "A", "msg_a")
        thread.title = "Between"
        yield said(thread, "B", "msg_b")
        yield said(thread, "C", "msg_c")

    thread_id, events = await ScriptedServer(store, respond).create()
    assert types_of(events)[3:] == ["thread.item.done", "thread.item.done", "thread.updated", "thread.item.done"]
    assert (await store.load_thread(thread_id, OWNER)).title == "Between"


async def test_user_is_told_when_the_thread_was_deleted_during_the_turn(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        await store.delete_thread(thread.id, OWNER)
        yield said(thread, "Hi", "msg_a")

    thread_id, events = await ScriptedServer(store, respond).create()
    told = {"type": "error", "code": "custom", "message": "This conversation is no longer there.", "allow_retry": False}
    assert events[-1] == told
    assert (await store.load_thread_items(thread_id, None, 10, "asc", OWNER)).data == []
