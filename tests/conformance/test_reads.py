"""Reads are strongly consistent, cost what their page has, skip what has expired, and never hold up the event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from chatkit.store import NotFoundError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import START, after, context, file_attachment, incompressible, thread, user_message
from chatkit_aws.store import DynamoDBStore, keys
from chatkit_aws.store.keys import Key

OWNER = context()
USER = keys.Owner.of("tenant-1", "user-1")
THREAD = USER.thread("thr_1")
NOW = 1_795_262_400.0


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, clock=lambda: NOW)
    await made.save_thread(thread(), OWNER)
    return made


@pytest.fixture
def expire(dynamodb: DynamoDBClient, table_name: str) -> Callable[[Key, int], None]:
    """Sets when a row expires, in seconds since the epoch, whatever retention says."""

    def at(key: Key, moment: int) -> None:
        dynamodb.update_item(
            TableName=table_name,
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="SET expires_at = :moment",
            ExpressionAttributeValues={":moment": {"N": str(moment)}},
        )

    return at


Expire = Callable[[Key, int], None]


async def add(store: DynamoDBStore, count: int, text: str = "Hello") -> list[str]:
    names = [f"m{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        await store.add_thread_item("thr_1", user_message(text, id=name, created_at=after(number)), OWNER)
    return names


async def test_every_read_is_strongly_consistent(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    await add(store, 2)
    with recorded(dynamodb) as calls:
        await store.load_thread("thr_1", OWNER)
        await store.load_threads(10, "thr_1", "asc", OWNER)
        await store.load_thread_items("thr_1", "m000", 10, "asc", OWNER)
        await store.load_item("thr_1", "m000", OWNER)
        with pytest.raises(NotFoundError):
            await store.load_attachment("atc_1", OWNER)
    assert len(calls.bodies) == 11
    assert all(body["ConsistentRead"] for body in calls.bodies)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_over_a_megabyte_are_whole(store: DynamoDBStore, dynamodb: DynamoDBClient, order: str) -> None:
    names = await add(store, 12, incompressible(180_000))
    with recorded(dynamodb, "Query") as calls:
        page = await store.load_thread_items("thr_1", None, 11, order, OWNER)
    expected = names if order == "asc" else names[::-1]
    assert [item.id for item in page.data] == expected[:11]
    assert (page.has_more, page.after) == (True, expected[10])
    assert len(calls.operations) >= 2


async def test_page_costs_the_same_wherever_it_is(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    names = await add(store, 120)
    asked = []
    for order, cursor in [("asc", None), ("asc", names[90]), ("desc", None), ("desc", names[40])]:
        with recorded(dynamodb, "Query") as calls:
            page = await store.load_thread_items("thr_1", cursor, 20, order, OWNER)
        assert len(page.data) == 20
        asked.append([body["Limit"] for body in calls.bodies])
    assert asked == [[21], [22], [21], [22]], "behind a cursor, its row is read along"


async def test_expired_thread_is_out_of_reach(store: DynamoDBStore, expire: Expire) -> None:
    await add(store, 1)
    expire(THREAD.row, int(NOW))
    with pytest.raises(NotFoundError):
        await store.load_thread("thr_1", OWNER)
    with pytest.raises(NotFoundError):
        await store.load_item("thr_1", "m000", OWNER)
    assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == []
    assert (await store.load_threads(10, None, "asc", OWNER)).data == []


async def test_expired_thread_takes_no_writes(store: DynamoDBStore, expire: Expire) -> None:
    expire(THREAD.row, int(NOW))
    for writing in [
        store.save_thread(thread(title="Back"), OWNER),
        store.add_thread_item("thr_1", user_message(), OWNER),
        store.save_item("thr_1", user_message(), OWNER),
    ]:
        with pytest.raises(NotFoundError):
            await writing


async def test_thread_that_expires_later_is_there(store: DynamoDBStore, expire: Expire) -> None:
    expire(THREAD.row, int(NOW) + 1)
    await store.save_thread(thread(title="Still here"), OWNER)
    await store.add_thread_item("thr_1", user_message(), OWNER)
    assert (await store.load_thread("thr_1", OWNER)).title == "Still here"


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_are_full_where_rows_between_have_expired(store: DynamoDBStore, expire: Expire, order: str) -> None:
    names = await add(store, 30)
    for name in names[5:25]:
        expire(THREAD.item(after(int(name[1:])), name), int(NOW) - 1)
    page = await store.load_thread_items("thr_1", None, 7, order, OWNER)
    alive = names[:5] + names[25:]
    expected = (alive if order == "asc" else alive[::-1])[:7]
    assert ([item.id for item in page.data], page.has_more) == (expected, True)


async def test_expired_cursor_is_not_found(store: DynamoDBStore, expire: Expire) -> None:
    await add(store, 2)
    expire(THREAD.place("m000"), int(NOW) - 1)
    with pytest.raises(NotFoundError):
        await store.load_thread_items("thr_1", "m000", 10, "asc", OWNER)


async def test_event_loop_runs_on_while_dynamodb_answers(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    entered, answered = threading.Event(), threading.Event()

    def hold(request: AWSPreparedRequest) -> AWSResponse:
        entered.set()
        assert answered.wait(10), "the event loop did not run"
        raise ConnectionError

    with recorded(dynamodb, "GetItem", hold) as calls:
        loading = asyncio.create_task(store.load_thread("thr_1", OWNER))
        assert await asyncio.to_thread(entered.wait, 10)
        answered.set()
        with pytest.raises(ConnectionError):
            await loading
    assert threading.get_ident() not in calls.threads


async def test_cancelled_read_ends_at_once(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    entered, answered = threading.Event(), threading.Event()

    def hold(request: AWSPreparedRequest) -> AWSResponse:
        entered.set()
        answered.wait(10)
        raise ConnectionError

    with recorded(dynamodb, "GetItem", hold):
        loading = asyncio.create_task(store.load_thread("thr_1", OWNER))
        assert await asyncio.to_thread(entered.wait, 10)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        answered.set()


async def test_attachment_is_dated_by_the_clock(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    await store.save_attachment(file_attachment(), OWNER)
    row: Any = dynamodb.get_item(TableName=table_name, Key={"pk": {"S": USER.partition}, "sk": {"S": "ATT#atc_1"}})[
        "Item"
    ]
    assert keys.created_at_of(row["by_time"]["S"]) == START.replace(microsecond=0)
