"""One question answered twice at once, through the SDK's server; docs/concurrency.md names the test of each row."""

import asyncio

from chatkit.types import (
    ClientToolCallItem,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    UserMessageItem,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import meeting
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said
from chatkit_aws.errors import AlreadyAnswered
from chatkit_aws.store import DynamoDBStore

ANSWERED_ALREADY = {"type": "error", "code": "custom", "message": "This was already answered.", "allow_retry": False}


class Questioner(ScriptedServer):
    """Asks for a word, and thanks for the answer."""

    def __init__(self, store: DynamoDBStore) -> None:
        super().__init__(store, _asks)

    async def submit(self, thread_id: str, answer: str) -> list[Event]:
        given = {"status": "answered", "answers": {"one": {"values": [answer]}}}
        return await self.stream("threads.add_structured_input", thread_id=thread_id, item_id="si_1", input=given)


async def _asks(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
    if message is None:
        yield said(thread, "Thank you", f"msg_{now().timestamp()}")
        return
    question = StructuredInputFreeform(id="one", question="Which?")
    item = StructuredInputItem(id="si_1", thread_id=thread.id, created_at=now(), inputs=[question])
    yield ThreadItemDoneEvent(item=item)


def answer_of(item: object) -> list[str]:
    assert isinstance(item, StructuredInputItem)
    assert item.inputs[0].answer
    return item.inputs[0].answer.values


async def test_of_two_different_answers_one_counts_and_the_other_is_refused(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = Questioner(store)
    thread_id, _ = await server.create()
    with meeting(dynamodb, "TransactWriteItems", 2):
        told = await asyncio.gather(server.submit(thread_id, "red"), server.submit(thread_id, "blue"))
    refused = [events[-1] == ANSWERED_ALREADY for events in told]
    assert sorted(refused) == [False, True]
    assert answer_of(await store.load_item(thread_id, "si_1", OWNER)) == [["red", "blue"][refused.index(False)]]
    assert [one["type"] for one in await server.items(thread_id)].count("assistant_message") == 1


async def test_same_answer_twice_is_stored_once_and_goes_on_for_both(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = Questioner(store)
    thread_id, _ = await server.create()
    with meeting(dynamodb, "TransactWriteItems", 2):
        told = await asyncio.gather(server.submit(thread_id, "red"), server.submit(thread_id, "red"))
    assert [[event["type"] for event in events].count("error") for events in told] == [0, 0]
    assert answer_of(await store.load_item(thread_id, "si_1", OWNER)) == ["red"]
    assert await server.texts(thread_id) == ["Hello", "Thank you", "Thank you"]


async def test_answer_to_a_question_that_a_retry_removes_is_there_or_not(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    server = Questioner(store)
    thread_id, events = await server.create()
    submitting = server.submit(thread_id, "red")
    retrying = server.stream("threads.retry_after_item", thread_id=thread_id, item_id=events[1]["item"]["id"])
    with meeting(dynamodb, "TransactWriteItems", 2):
        await asyncio.gather(submitting, retrying)
    # The retry asks again under the same id. Whichever came last, there is one question, whole.
    kept = [item for item in await server.items(thread_id) if item["type"] == "structured_input"]
    assert [item["status"] for item in kept] in (["pending"], ["answered"])


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

    with meeting(dynamodb, "TransactWriteItems", 2):
        told = await asyncio.gather(output("dark"), output("light"), return_exceptions=True)
    assert sorted(isinstance(one, AlreadyAnswered) for one in told) == [False, True]
    item = await store.load_item(thread_id, "tc_1", OWNER)
    assert isinstance(item, ClientToolCallItem)
    assert item.output == {"theme": "light" if isinstance(told[0], AlreadyAnswered) else "dark"}
