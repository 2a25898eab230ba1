"""Answering a message again, on the DynamoDB store."""

import pytest
from chatkit.types import (
    ThreadMetadata,
    UserMessageItem,
)

from chat_testing.scripted_server import Events, ScriptedServer, said, types_of
from chatkit_aws.store import DynamoDBStore


async def turns(server: ScriptedServer, count: int) -> tuple[str, list[str]]:
    """A thread of several turns; its id and those of the user's messages."""
    thread_id, events = await server.create("Message 0")
    messages = [events[1]["item"]["id"]]
    for number in range(1, count):
        events = await server.say(thread_id, f"Message {number}")
        messages.append(events[0]["item"]["id"])
    return thread_id, messages


class NumberedReplies:
    """A responder whose messages are told by the number of its call."""

    def __init__(self) -> None:
        self.asked: list[UserMessageItem | None] = []

    async def __call__(self, thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
        self.asked.append(message)
        number = len(self.asked)
        yield said(thread, f"Reply {number}", f"msg_reply_{number}")


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_retry_removes_what_followed_and_answers_again(store: DynamoDBStore, turn: int) -> None:
    respond = NumberedReplies()
    server = ScriptedServer(store, respond)
    thread_id, messages = await turns(server, 3)
    events = await server.stream("threads.retry_after_item", thread_id=thread_id, item_id=messages[turn])
    assert types_of(events) == ["stream_options", "thread.item.done"]
    assert respond.asked[-1] is not None
    assert respond.asked[-1].id == messages[turn]
    kept = [(f"Message {number}", f"Reply {number + 1}") for number in range(turn)]
    expected = [text for pair in [*kept, (f"Message {turn}", "Reply 4")] for text in pair]
    assert [item["content"][0]["text"] for item in await server.items(thread_id)] == expected


async def test_retry_in_a_thread_of_many_pages_finds_the_message(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, NumberedReplies())
    thread_id, messages = await turns(server, 13)
    await server.stream("threads.retry_after_item", thread_id=thread_id, item_id=messages[0])
    assert [item["id"] for item in await server.items(thread_id)] == [messages[0], "msg_reply_14"]


async def test_retry_of_an_answer_is_refused_and_removes_nothing(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, NumberedReplies())
    thread_id, _ = await turns(server, 2)
    with pytest.raises(ValueError, match="is not a user message"):
        await server.stream("threads.retry_after_item", thread_id=thread_id, item_id="msg_reply_1")
    assert len(await server.items(thread_id)) == 4


async def test_retry_of_an_unknown_message_does_nothing(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, NumberedReplies())
    thread_id, _ = await turns(server, 2)
    assert await server.stream("threads.retry_after_item", thread_id=thread_id, item_id="msg_none") == []
    assert len(await server.items(thread_id)) == 4
