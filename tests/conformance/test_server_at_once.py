"""Two requests on one thread at once, through the SDK's server; docs/concurrency.md names the test of each row."""

import asyncio

import pytest
from chatkit.store import NotFoundError
from chatkit.types import ClosedStatus, LockedStatus, ThreadMetadata, ThreadStatus, UserMessageItem
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import meeting
from chat_testing.chat import message
from chat_testing.pause import Pause
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said
from chatkit_aws.store import DynamoDBStore


@pytest.mark.parametrize("first", ["user", "assistant"])
async def test_users_title_stays_whoever_was_first(store: DynamoDBStore, first: str) -> None:
    before, after = Pause(), Pause()

    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        if message is not None and "title" in str(message.content):
            await before.wait()
            thread.title = "The assistant's"
            yield said(thread, "Done", "msg_a")
            await after.wait()

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()

    async def rename() -> None:
        await store.rename_thread(thread_id, "The user's", OWNER)

    pause, other = (before, after) if first == "user" else (after, before)
    other.released.set()
    await pause.meanwhile(server.say(thread_id, "title"), rename)
    assert (await store.load_thread(thread_id, OWNER)).title == "The user's"


async def test_two_tabs_of_one_thread_keep_both_questions_and_both_answers(store: DynamoDBStore) -> None:
    both = asyncio.Barrier(2)

    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        assert message is not None
        if message.content[0].text != "Hello":
            await both.wait()
        yield said(thread, f"To {message.content[0].text}", f"to_{message.id}")

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    await asyncio.gather(server.say(thread_id, "one"), server.say(thread_id, "two"))
    texts = await server.texts(thread_id)
    assert sorted(texts) == ["Hello", "To Hello", "To one", "To two", "one", "two"]
    assert all(texts.index(text) < texts.index(f"To {text}") for text in ("Hello", "one", "two"))


async def test_later_of_two_changes_of_a_thread_counts_whole(store: DynamoDBStore) -> None:
    both = asyncio.Barrier(2)
    statuses: dict[str, ThreadStatus] = {
        "lock": LockedStatus(reason="too long"),
        "close": ClosedStatus(reason="solved"),
    }

    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        assert message is not None
        word = message.content[0].text
        if word in statuses:
            await both.wait()
            thread.status, thread.metadata = statuses[word], {"by": word}
        yield said(thread, "Done", f"to_{message.id}")

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    await asyncio.gather(server.say(thread_id, "lock"), server.say(thread_id, "close"))
    kept = await store.load_thread(thread_id, OWNER)
    assert kept.status == statuses[kept.metadata["by"]]


async def test_retry_during_an_answer_keeps_both_answers(store: DynamoDBStore) -> None:
    pause, turns = Pause(), 0

    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        nonlocal turns
        turns += 1
        turn = turns
        yield said(thread, f"Beginning {turn}", f"begin_{turn}")
        if turn == 1:
            await pause.wait()
        yield said(thread, f"End {turn}", f"end_{turn}")

    server, events = ScriptedServer(store, respond), list[Event]()
    creating = server.stream_into(events, "threads.create", input=message("Hi"))

    async def retry() -> None:
        thread_id, question = events[0]["thread"]["id"], events[1]["item"]["id"]
        await server.stream("threads.retry_after_item", thread_id=thread_id, item_id=question)

    await pause.meanwhile(creating, retry)
    assert await server.texts(events[0]["thread"]["id"]) == ["Hi", "Beginning 2", "End 2", "End 1"]


async def test_two_retries_at_once_give_two_answers(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    count = 0

    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        nonlocal count
        count += 1
        yield said(thread, f"Answer {count}", f"msg_{count}")

    server = ScriptedServer(store, respond)
    thread_id, events = await server.create()

    async def retry() -> list[Event]:
        return await server.stream("threads.retry_after_item", thread_id=thread_id, item_id=events[1]["item"]["id"])

    with meeting(dynamodb, "TransactWriteItems", 2):
        await asyncio.gather(retry(), retry())
    shown = await server.texts(thread_id)
    assert (shown[0], sorted(shown[1:])) == ("Hello", ["Answer 2", "Answer 3"])


async def test_deletion_during_a_stream_ends_it_with_an_error_and_leaves_nothing(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "Beginning", "msg_a")
        await store.delete_thread(thread.id, OWNER)
        thread.title = "The assistant's"
        yield said(thread, "End", "msg_b")

    server = ScriptedServer(store, respond)
    events = list[Event]()
    # The stream's own error comes first; saving the title it had given then fails for the same reason.
    with pytest.raises(NotFoundError):
        await server.stream_into(events, "threads.create", input=message("Hello"))
    assert events[-1]["type"] == "error"
    assert events[-1]["allow_retry"] is False
    assert await server.items(events[0]["thread"]["id"]) == []
    assert (await server.answer("threads.list"))["data"] == []


async def test_message_and_deletion_at_once_leave_nothing(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "Hi", f"msg_{now().timestamp()}")

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    saying, deleting = server.say(thread_id, "Still there?"), server.answer("threads.delete", thread_id=thread_id)
    with meeting(dynamodb, "TransactWriteItems", 2):
        await asyncio.gather(saying, deleting, return_exceptions=True)
    assert await server.items(thread_id) == []
    with pytest.raises(NotFoundError):
        await server.say(thread_id, "And now?")
