"""What of a thread the model is given: the newest items, as many as the limits let in, and none in pieces."""

import json
from collections.abc import Sequence

import pytest
from chatkit.types import ClientToolCallItem, ThreadItem, UserMessageItem
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.server.memory.history import load_history
from chat_api.server.memory.summary import Summary, item_of
from chat_api.server.memory.window import Limits
from chat_api.tokens import tokens_of
from chat_testing.builders import after, assistant_message, context, thread, user_message
from chatkit_aws.store import DynamoDBStore

USER = context()
ROUNDS = 6
PAIR = ("function_call", "function_call_output")


def tool_call(number: int) -> ClientToolCallItem:
    return ClientToolCallItem(
        id=f"tc_{number}", thread_id="thr_1", created_at=after(number), status="completed", call_id=f"call_{number}",
        name="look", arguments={"at": "this"}, output={"found": "something"},
    )  # fmt: skip


def conversation() -> Sequence[ThreadItem]:
    items: list[ThreadItem] = []
    for number in range(ROUNDS):
        items += [
            user_message(f"question {number}", id=f"msg_q{number}", created_at=after(10 * number)),
            tool_call(10 * number + 1),
            assistant_message(f"answer {number}", id=f"msg_a{number}", created_at=after(10 * number + 2)),
        ]
    return items


@pytest.fixture
async def store(table_name: str, dynamodb: DynamoDBClient) -> DynamoDBStore:
    store = DynamoDBStore(table_name, dynamodb)
    await store.save_thread(thread(), USER)
    for item in conversation():
        await store.add_thread_item("thr_1", item, USER)
    return store


async def asked(store: DynamoDBStore, text: str, number: int = 0) -> UserMessageItem:
    message = user_message(text, id=f"msg_new{number}", created_at=after(100 + 10 * number))
    await store.add_thread_item("thr_1", message, USER)
    return message


async def test_tool_call_and_its_result_are_given_together_or_not_at_all(store: DynamoDBStore) -> None:
    message = await asked(store, "and now?")
    lengths = set()
    for tokens in range(40, 1_200, 20):
        history = (await load_history(store, thread(), message, Limits(40, tokens), USER)).input
        kinds = [item.get("type") for item in history]
        calls, results = ([item.get("call_id") for item in history if item.get("type") == kind] for kind in PAIR)
        assert calls == results
        assert "and now?" in json.dumps(history[-1])
        lengths.add(len(kinds))
    assert min(lengths) == 1
    assert max(lengths) == 4 * ROUNDS + 1


async def test_no_more_items_are_given_than_the_limit(store: DynamoDBStore) -> None:
    message = await asked(store, "and now?")
    for items in range(1, 3 * ROUNDS):
        history = (await load_history(store, thread(), message, Limits(items, 32_000), USER)).input
        given = [item for item in history if item.get("type") != "function_call_output"]
        assert 1 <= len(given) <= items


async def test_message_that_is_alone_above_the_limit_is_given(store: DynamoDBStore) -> None:
    message = await asked(store, "word " * 1_000)
    [given] = (await load_history(store, thread(), message, Limits(40, 100), USER)).input
    assert "word word" in json.dumps(given)


async def test_long_thread_begins_where_it_did_in_the_turn_before(store: DynamoDBStore) -> None:
    limits, begins = Limits(8, 32_000), []
    for number in range(20):
        message = await asked(store, f"more {number}", number)
        history = (await load_history(store, thread(), message, limits, USER)).input
        begins.append(json.dumps(history[0]))
    assert len(set(begins)) < len(begins) / 2


async def test_summary_takes_its_tokens_from_what_the_newest_items_may_have(store: DynamoDBStore) -> None:
    summary = item_of(Summary("word " * 800), "shcx_1", "thr_1", after(9))
    await store.add_thread_item("thr_1", summary, USER)
    message = await asked(store, "and now?")
    for tokens in range(1_100, 1_800, 50):
        history = (await load_history(store, thread(), message, Limits(40, tokens), USER)).input
        assert "word word" in json.dumps(history[0])
        assert "and now?" in json.dumps(history[-1])
        assert tokens_of(history) <= tokens


async def test_summary_that_leaves_no_room_leaves_the_message(store: DynamoDBStore) -> None:
    await store.add_thread_item("thr_1", item_of(Summary("word " * 800), "shcx_1", "thr_1", after(9)), USER)
    message = await asked(store, "and now?")
    history = (await load_history(store, thread(), message, Limits(40, 500), USER)).input
    assert len(history) == 2
    assert "word word" in json.dumps(history[0])
    assert "and now?" in json.dumps(history[1])
