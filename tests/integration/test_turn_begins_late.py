"""A turn whose lease takes long begins where the one before it ended: it works on what that left."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from chatkit.types import LockedStatus, ProgressUpdateEvent, ThreadStreamEvent
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.calls import ActionCall
from chat_testing.boto_calls import recorded
from chat_testing.builders import context
from chat_testing.chat import Answer
from chat_testing.models import PausingModels
from chat_testing.spent import Make
from chatkit_aws.store import DynamoDBStore

ANSWERED = "after-call.dynamodb.Query"
"""The event of botocore's when a page of items was read."""


@contextlib.asynccontextmanager
async def late(dynamodb: DynamoDBClient, turn: Coroutine[Any, Any, Answer]) -> AsyncIterator[asyncio.Task[Answer]]:
    """Begin a turn, and hold its lease back until the block ends; what it reads meanwhile it has read at the start."""
    asked, has_read, go_on, loop = asyncio.Event(), asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def hold(_request: AWSPreparedRequest) -> None:
        loop.call_soon_threadsafe(asked.set)
        assert go_on.wait(30)

    def read(**_: Any) -> None:
        loop.call_soon_threadsafe(has_read.set)

    dynamodb.meta.events.register(ANSWERED, read)
    with recorded(dynamodb, "UpdateItem", hold):
        task = asyncio.create_task(turn)
        try:
            await asyncio.wait_for(asked.wait(), 30)
            await asyncio.wait_for(has_read.wait(), 30)
            yield task
        finally:
            go_on.set()
            dynamodb.meta.events.unregister(ANSWERED, read)


async def test_turn_that_begins_as_another_ends_sees_what_that_said(make: Make, dynamodb: DynamoDBClient) -> None:
    models = PausingModels()
    app, other = make(models), make()
    alice, again = app.user("alice"), other.user("alice")
    models.model.go_on.set()
    models.say("Hi")
    thread_id = (await alice.create()).thread_id
    models.model.go_on.clear()
    models.model.said.clear()
    models.say("The first answer")
    first = asyncio.create_task(alice.say(thread_id, "First"))
    await asyncio.wait_for(models.model.said.wait(), 30)
    other.models.say("The second answer")
    async with late(dynamodb, again.say(thread_id, "Second")) as second:
        models.model.go_on.set()
        await first
    assert (await second).text == "The second answer"
    asked = json.dumps(other.models.model.calls[-1].input)
    assert [asked.count(text) for text in ("First", "The first answer", "Second")] == [1, 1, 1]
    texts = [item["content"][0]["text"] for item in await alice.items(thread_id)]
    assert texts == ["Hello", "Hi", "First", "The first answer", "Second", "The second answer"]


async def test_turn_that_begins_as_an_action_locks_its_thread_is_refused(make: Make, dynamodb: DynamoDBClient) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def lock(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        yield ProgressUpdateEvent(text="Locking")
        begun.set()
        await go_on.wait()
        call.thread.metadata = {"order": 7}
        call.thread.status = LockedStatus(reason="Enough")
        yield ProgressUpdateEvent(text="Locked")

    app, other = make(actions={"go": lock}), make(actions={"go": lock})
    alice, again = app.user("alice"), other.user("alice")
    app.models.say("Hi")
    thread_id = (await alice.create()).thread_id
    action = {"type": "go", "payload": {}}
    first = asyncio.create_task(alice.send("threads.custom_action", thread_id=thread_id, action=action))
    await asyncio.wait_for(begun.wait(), 30)
    async with late(dynamodb, again.say(thread_id, "Second")) as second:
        go_on.set()
        await first
    assert (await second).events == [{"type": "error", "code": "custom", "message": "Enough", "allow_retry": False}]
    assert not other.models.model.calls
    assert len(await alice.items(thread_id)) == 2
    user = context("alice", "default")
    kept = await DynamoDBStore(app.table_name, dynamodb).load_thread(thread_id, user)
    assert (kept.metadata, kept.status.type) == ({"order": 7}, "locked")
