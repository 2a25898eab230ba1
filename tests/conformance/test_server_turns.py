"""Turns of the SDK's server on the DynamoDB store: what is streamed, and what is there afterwards."""

from typing import override

import pytest
from chatkit.errors import CustomStreamError, ErrorCode, StreamError
from chatkit.store import NotFoundError, StoreItemType
from chatkit.types import (
    ClientToolCallItem,
    CustomTask,
    HiddenContextItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    UserMessageItem,
    WorkflowTaskAdded,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import context, workflow_item
from chat_testing.chat import message
from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said, types_of
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore


async def test_turn_streams_thread_message_options_and_answer(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield ProgressUpdateEvent(text="Thinking")
        yield said(thread, "Hi there", "msg_a")

    thread_id, events = await ScriptedServer(store, respond).create("Hello")
    expected = ["thread.created", "thread.item.done", "stream_options", "progress_update", "thread.item.done"]
    assert types_of(events) == expected
    assert events[1]["item"]["content"] == [{"type": "input_text", "text": "Hello"}]
    assert events[2]["stream_options"] == {"allow_cancel": True}
    items = (await store.load_thread_items(thread_id, None, 10, "asc", OWNER)).data
    assert [item.type for item in items] == ["user_message", "assistant_message"]


async def test_task_of_a_workflow_is_stored_once(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        item = workflow_item(thread_id=thread.id, created_at=now())
        yield ThreadItemAddedEvent(item=item)
        task = CustomTask(title="Search", content="found")
        yield ThreadItemUpdatedEvent(item_id=item.id, update=WorkflowTaskAdded(task=task, task_index=0))
        item.workflow.tasks.append(task)
        yield ThreadItemDoneEvent(item=item)

    thread_id, events = await ScriptedServer(store, respond).create()
    assert [task["title"] for task in events[-1]["item"]["workflow"]["tasks"]] == ["Search"]
    stored = await store.load_item(thread_id, "wf_1", OWNER)
    assert stored.model_dump()["workflow"]["tasks"][0]["title"] == "Search"
    assert len(stored.model_dump()["workflow"]["tasks"]) == 1


async def test_workflow_that_goes_on_in_a_later_turn_is_stored_once_and_whole(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        tasks = [CustomTask(title="One")] if message else [CustomTask(title="One"), CustomTask(title="Two")]
        yield ThreadItemDoneEvent(item=workflow_item(*tasks, thread_id=thread.id, created_at=now()))
        if message:
            call = ClientToolCallItem(
                id="tc_1", thread_id=thread.id, created_at=now(), call_id="c", name="tool", arguments={}
            )
            yield ThreadItemDoneEvent(item=call)

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    await server.stream("threads.add_client_tool_output", thread_id=thread_id, result={"ok": True})
    workflows = [item for item in await server.items(thread_id) if item["type"] == "workflow"]
    assert [[task["title"] for task in item["workflow"]["tasks"]] for item in workflows] == [["One", "Two"]]


async def test_context_reaches_responder_and_feedback(store: DynamoDBStore) -> None:
    seen: list[RequestContext] = []

    async def respond(thread: ThreadMetadata, _: object, user: RequestContext) -> Events:
        seen.append(user)
        yield said(thread, "Hi", "msg_a")

    server, user = ScriptedServer(store, respond), context("someone")
    events = await server.stream("threads.create", user, input=message("Hello"))
    thread_id = events[0]["thread"]["id"]
    await server.answer("items.feedback", user, thread_id=thread_id, item_ids=["msg_a"], kind="positive")
    assert seen == [user]
    assert server.feedback == [(thread_id, ["msg_a"], "positive", user)]


async def test_client_tool_is_called_and_answered(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        if message is None:
            yield said(thread, "Thank you", "msg_a")
            return
        arguments = {"text": "x", "flag": False, "nothing": None}
        yield ThreadItemDoneEvent(
            item=ClientToolCallItem(
                id="tc_1", thread_id=thread.id, created_at=now(), call_id="call", name="tool", arguments=arguments
            )
        )

    server = ScriptedServer(store, respond)
    thread_id, events = await server.create()
    assert events[-1]["item"]["status"] == "pending"
    answered = await server.stream("threads.add_client_tool_output", thread_id=thread_id, result={"text": "Wow"})
    assert types_of(answered) == ["stream_options", "thread.item.done"]
    call = await store.load_item(thread_id, "tc_1", OWNER)
    assert isinstance(call, ClientToolCallItem)
    assert (call.status, call.output) == ("completed", {"text": "Wow"})
    assert call.arguments == {"text": "x", "flag": False, "nothing": None}


async def test_output_without_a_pending_call_is_refused(store: DynamoDBStore) -> None:
    server = ScriptedServer(store)
    thread_id, _ = await server.create()
    with pytest.raises(ValueError, match="was not a ClientToolCallItem"):
        await server.stream("threads.add_client_tool_output", thread_id=thread_id, result={})


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (RuntimeError("secret"), {"type": "error", "code": "stream.error", "allow_retry": True}),
        (StreamError(ErrorCode.STREAM_ERROR), {"type": "error", "code": "stream.error", "allow_retry": True}),
        (CustomStreamError("Stop"), {"type": "error", "code": "custom", "message": "Stop", "allow_retry": False}),
    ],
)
async def test_error_in_a_turn_is_an_event_and_keeps_what_was_done(
    store: DynamoDBStore, error: Exception, event: Event
) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "Before", "msg_a")
        raise error

    thread_id, events = await ScriptedServer(store, respond).create()
    assert events[-1] == event
    items = (await store.load_thread_items(thread_id, None, 10, "asc", OWNER)).data
    assert [item.type for item in items] == ["user_message", "assistant_message"]


async def test_hidden_items_are_kept_and_not_shown(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        hidden = HiddenContextItem(id="h", thread_id=thread.id, created_at=now(), content={"secret": 1})
        yield ThreadItemDoneEvent(item=hidden)
        yield said(thread, "Hi", "msg_a")

    server = ScriptedServer(store, respond)
    thread_id, events = await server.create()
    assert "secret" not in str(events)
    assert "secret" not in str(await server.items(thread_id))
    assert "secret" not in str(await server.answer("threads.get_by_id", thread_id=thread_id))
    assert (await store.load_item(thread_id, "h", OWNER)).model_dump()["content"] == {"secret": 1}


@pytest.mark.parametrize("create", [True, False], ids=["new thread", "known thread"])
async def test_model_tool_and_quote_reach_the_responder(store: DynamoDBStore, *, create: bool) -> None:
    seen: list[UserMessageItem | None] = []

    async def respond(_: ThreadMetadata, message: UserMessageItem | None, *__: object) -> Events:
        seen.append(message)
        return
        yield

    server = ScriptedServer(store, respond)
    chosen = {"inference_options": {"tool_choice": {"id": "search"}, "model": "fast"}, "quoted_text": "as you said"}
    if create:
        await server.create("Hello", **chosen)
    else:
        thread_id, _ = await server.create()
        await server.say(thread_id, "Hello", **chosen)
    sent = seen[-1]
    assert sent is not None
    assert sent.inference_options.tool_choice is not None
    assert (sent.inference_options.tool_choice.id, sent.inference_options.model) == ("search", "fast")
    assert sent.quoted_text == "as you said"


async def test_message_to_an_unknown_thread_is_not_found(store: DynamoDBStore) -> None:
    with pytest.raises(NotFoundError, match="Thread thr_none not found"):
        await ScriptedServer(store).say("thr_none", "Hello")


async def test_ids_are_made_by_the_stores_generators(dynamodb: DynamoDBClient, table_name: str) -> None:
    class NumberedStore(DynamoDBStore):
        @override
        def generate_thread_id(self, context: RequestContext) -> str:
            return "thread-1"

        @override
        def generate_item_id(self, item_type: StoreItemType, thread: ThreadMetadata, context: RequestContext) -> str:
            return f"{item_type}-of-{thread.id}"

    store = NumberedStore(table_name, dynamodb)
    thread_id, events = await ScriptedServer(store).create()
    assert (thread_id, events[1]["item"]["id"]) == ("thread-1", "message-of-thread-1")
    assert (await store.load_item("thread-1", "message-of-thread-1", OWNER)).type == "user_message"
