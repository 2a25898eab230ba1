"""Deleting a thread is one request; what is left of it is out of reach, and no stream brings it back."""

import asyncio
from itertools import chain

import pytest
from chatkit.store import NotFoundError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import after, assistant_message, context, thread, user_message
from chatkit_aws.store import DynamoDBStore, keys
from chatkit_aws.store.retention import DELETED

OWNER = context()
USER = keys.Owner.of("tenant-1", "user-1").partition
NOW = 1_795_262_400


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, clock=lambda: float(NOW))
    await made.save_thread(thread(), OWNER)
    return made


@pytest.mark.parametrize("items", [0, 1, 60])
async def test_delete_is_one_request_whatever_the_size(
    store: DynamoDBStore, dynamodb: DynamoDBClient, items: int
) -> None:
    for number in range(items):
        await store.add_thread_item("thr_1", user_message(id=f"m{number}", created_at=after(number)), OWNER)
    with recorded(dynamodb) as calls:
        await store.delete_thread("thr_1", OWNER)
    assert calls.operations == ["TransactWriteItems"]
    assert (await store.load_thread_items("thr_1", None, 100, "asc", OWNER)).data == []


async def test_threads_row_is_removed_and_a_mark_left_that_expires(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    await store.delete_thread("thr_1", OWNER)
    rows = dynamodb.scan(TableName=table_name)["Items"]
    expiry = {"N": str(NOW + DELETED)}
    assert rows == [{"pk": {"S": USER}, "sk": {"S": "DEL#thr_1"}, "expires_at": expiry}]


async def test_deleting_an_unknown_thread_writes_nothing(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    await store.delete_thread("thr_none", OWNER)
    assert [row["sk"]["S"] for row in dynamodb.scan(TableName=table_name)["Items"]] == ["THR#thr_1"]


async def test_delete_and_stream_at_once_leave_no_thread(store: DynamoDBStore) -> None:
    halfway = asyncio.Event()

    async def stream() -> None:
        for number in range(20):
            if number == 5:
                halfway.set()
            await store.add_thread_item("thr_1", assistant_message(id=f"m{number}"), OWNER)
            await store.save_thread(thread(title=f"Title {number}"), OWNER)

    async def delete() -> None:
        await halfway.wait()
        await store.delete_thread("thr_1", OWNER)

    streamed, _ = await asyncio.gather(stream(), delete(), return_exceptions=True)
    assert isinstance(streamed, NotFoundError)
    assert (await store.load_threads(10, None, "asc", OWNER)).data == []


async def test_parallel_writers_keep_every_item_once(store: DynamoDBStore) -> None:
    async def write(writer: int) -> list[str]:
        names = [f"w{writer}-{number}" for number in range(8)]
        for number, name in enumerate(names):
            message = user_message(id=name, created_at=after(writer + number / 10))
            await store.add_thread_item("thr_1", message, OWNER)
        return names

    written = await asyncio.gather(*[write(writer) for writer in range(8)])
    items = (await store.load_thread_items("thr_1", None, 100, "asc", OWNER)).data
    assert [item.id for item in items] == sorted(chain.from_iterable(written))
