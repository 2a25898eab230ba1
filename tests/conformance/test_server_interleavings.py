"""More that can happen at once, through the SDK's server; docs/concurrency.md names the tests of each row."""

import asyncio
import threading
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from chatkit.store import NotFoundError
from chatkit.types import (
    ClosedStatus,
    LockedStatus,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStatus,
    UserMessageItem,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.chat import message
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said
from chatkit_aws.store import DynamoDBStore


def held_until(dynamodb: DynamoDBClient, count: int) -> Any:
    """Hold the first writes until so many are on their way: each has read what was there before any of them."""
    barrier = threading.Barrier(count)

    def meet(_request: AWSPreparedRequest) -> None:
        barrier.wait(10)

    return recorded(dynamodb, "TransactWriteItems", *[meet] * count)


def answer_of(item: object) -> list[str]:
    assert isinstance(item, StructuredInputItem)
    assert item.inputs[0].answer
    return item.inputs[0].answer.values


async def texts(server: ScriptedServer, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await server.items(thread_id) if "content" in item]


async def asks(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
    """Ask, and thank for the answer."""
    if message is None:
        yield said(thread, "Thank you", f"msg_{now().timestamp()}")
        return
    question = StructuredInputFreeform(id="one", question="Which?")
    yield ThreadItemDoneEvent(
        item=StructuredInputItem(id="si_1", thread_id=thread.id, created_at=now(), inputs=[question])
    )


async def test_same_answer_twice_is_stored_once_and_goes_on_for_both(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = ScriptedServer(store, asks)
    thread_id, _ = await server.create()

    async def submit() -> list[Event]:
        given = {"status": "answered", "answers": {"one": {"values": ["red"]}}}
        return await server.stream("threads.add_structured_input", thread_id=thread_id, item_id="si_1", input=given)

    with held_until(dynamodb, 2):
        told = await asyncio.gather(submit(), submit())
    assert [[event["type"] for event in events].count("error") for events in told] == [0, 0]
    assert answer_of(await store.load_item(thread_id, "si_1", OWNER)) == ["red"]
    assert await texts(server, thread_id) == ["Hello", "Thank you", "Thank you"]


async def test_answer_to_a_question_that_a_retry_removes_is_there_or_not(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = ScriptedServer(store, asks)
    thread_id, events = await server.create()
    given = {"status": "answered", "answers": {"one": {"values": ["red"]}}}
    submitting = server.stream("threads.add_structured_input", thread_id=thread_id, item_id="si_1", input=given)
    retrying = server.stream("threads.retry_after_item", thread_id=thread_id, item_id=events[1]["item"]["id"])
    with held_until(dynamodb, 2):
        await asyncio.gather(submitting, retrying)
    # The retry asks again under the same id. Whichever came last, there is one question, whole.
    kept = [item for item in await server.items(thread_id) if item["type"] == "structured_input"]
    assert [item["status"] for item in kept] in (["pending"], ["answered"])


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
    with held_until(dynamodb, 2):
        await asyncio.gather(saying, deleting, return_exceptions=True)
    assert await server.items(thread_id) == []
    with pytest.raises(NotFoundError):
        await server.say(thread_id, "And now?")


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

    with held_until(dynamodb, 2):
        await asyncio.gather(retry(), retry())
    shown = await texts(server, thread_id)
    assert (shown[0], sorted(shown[1:])) == ("Hello", ["Answer 2", "Answer 3"])


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
