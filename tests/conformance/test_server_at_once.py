"""Two things at once, through the SDK's server: each row of docs/concurrency.md has a test here or is named there."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from chatkit.types import (
    ClientToolCallItem,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    UserMessageItem,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.chat import message
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said
from chatkit_aws.errors import AlreadyAnswered
from chatkit_aws.store import DynamoDBStore

ANSWERED_ALREADY = {"type": "error", "code": "custom", "message": "This was already answered.", "allow_retry": False}


class Pause:
    """A place in an answer where it waits until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.reached.set()
        await self.released.wait()

    async def meanwhile(self, running: Awaitable[Any], doing: Callable[[], Awaitable[Any]]) -> Any:
        """Do something while `running` waits here; what `running` came to."""
        task = asyncio.ensure_future(running)
        await self.reached.wait()
        await doing()
        self.released.set()
        return await task


def both_at_once(dynamodb: DynamoDBClient) -> Any:
    """Hold the first write until the second is on its way: both have read what was there before either."""
    barrier = threading.Barrier(2)

    def meet(_request: AWSPreparedRequest) -> None:
        barrier.wait(10)

    return recorded(dynamodb, "TransactWriteItems", meet, meet)


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
    texts = [item["content"][0]["text"] for item in await server.items(thread_id)]
    assert sorted(texts) == ["Hello", "To Hello", "To one", "To two", "one", "two"]
    assert all(texts.index(text) < texts.index(f"To {text}") for text in ("Hello", "one", "two"))


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
    shown = [item["content"][0]["text"] for item in await server.items(events[0]["thread"]["id"])]
    assert shown == ["Hi", "Beginning 2", "End 2", "End 1"]


async def asks(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
    """Ask, and thank for the answer."""
    if message is None:
        yield said(thread, "Thank you", "msg_a")
        return
    question = StructuredInputFreeform(id="one", question="Which?")
    item = StructuredInputItem(id="si_1", thread_id=thread.id, created_at=now(), inputs=[question])
    yield ThreadItemDoneEvent(item=item)


async def test_of_two_different_answers_one_counts_and_the_other_is_refused(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = ScriptedServer(store, asks)
    thread_id, _ = await server.create()

    async def submit(answer: str) -> list[Event]:
        given = {"status": "answered", "answers": {"one": {"values": [answer]}}}
        return await server.stream("threads.add_structured_input", thread_id=thread_id, item_id="si_1", input=given)

    with both_at_once(dynamodb):
        told = await asyncio.gather(submit("red"), submit("blue"))
    refused = [events[-1] == ANSWERED_ALREADY for events in told]
    assert sorted(refused) == [False, True]
    item = await store.load_item(thread_id, "si_1", OWNER)
    assert isinstance(item, StructuredInputItem)
    answer = item.inputs[0].answer
    assert answer
    assert answer.values == [["red", "blue"][refused.index(False)]]
    assert [one["type"] for one in await server.items(thread_id)].count("assistant_message") == 1


async def test_of_two_outputs_of_a_client_tool_one_counts_and_the_other_is_refused(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        if message is None:
            yield said(thread, "Thank you", "msg_a")
            return
        fields = {"call_id": "call", "name": "switch_theme", "arguments": {}}
        yield ThreadItemDoneEvent(item=ClientToolCallItem(id="tc_1", thread_id=thread.id, created_at=now(), **fields))

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()

    async def output(value: str) -> list[Event]:
        return await server.stream("threads.add_client_tool_output", thread_id=thread_id, result={"theme": value})

    with both_at_once(dynamodb):
        told = await asyncio.gather(output("dark"), output("light"), return_exceptions=True)
    assert sorted(isinstance(one, AlreadyAnswered) for one in told) == [False, True]
    item = await store.load_item(thread_id, "tc_1", OWNER)
    assert isinstance(item, ClientToolCallItem)
    assert item.output == {"theme": "light" if isinstance(told[0], AlreadyAnswered) else "dark"}
