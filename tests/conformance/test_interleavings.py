"""What another request does between two steps of one: nothing is twice, left over, or lost by it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from chatkit.store import NotFoundError
from chatkit.types import ThreadItem, UserMessageItem
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import Meanwhile, error, lost, recorded
from chat_testing.builders import after, context, file_attachment, incompressible, thread, user_message
from chat_testing.concurrency.observed import Rows
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.overflow import MAX_INLINE_BYTES
from chatkit_aws.store.rows import key_attributes

USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
WRITE = "TransactWriteItems"
DAY = 24 * 60 * 60

type Change = Callable[[DynamoDBStore], Coroutine[Any, Any, None]]


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb)
    await made.save_thread(thread(), USER)
    return made


@pytest.fixture
def meanwhile(dynamodb_endpoint: str, table_name: str) -> Callable[[Change], Meanwhile]:
    """What another process does before a request is sent."""
    other = DynamoDBStore(table_name, dynamodb_client(dynamodb_endpoint))
    return lambda change: lambda _request: asyncio.run(change(other))


def rows(dynamodb: DynamoDBClient, table_name: str) -> Rows:
    found = Rows.of(dynamodb, table_name, OWNER)
    found.check()
    return found


def nothing(_request: object) -> None:
    """The first attempt finds out what is there."""


async def ids(store: DynamoDBStore) -> list[str]:
    return [item.id for item in (await store.load_thread_items("thr_1", None, 10, "asc", USER)).data]


async def test_item_deleted_while_it_is_removed_and_written_at_another_time_is_gone(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def move(other: DynamoDBStore) -> None:
        await other.delete_thread_item("thr_1", "msg_1", USER)
        await other.add_thread_item("thr_1", user_message(created_at=after(9)), USER)

    await store.add_thread_item("thr_1", user_message(), USER)
    with recorded(dynamodb, WRITE, meanwhile(move)):
        await store.delete_thread_item("thr_1", "msg_1", USER)
    assert await ids(store) == []
    rows(dynamodb, table_name)


async def test_item_replaced_while_it_is_removed_is_written_at_its_own_time(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def remove(other: DynamoDBStore) -> None:
        await other.delete_thread_item("thr_1", "msg_1", USER)

    await store.add_thread_item("thr_1", user_message(), USER)
    newer = user_message("newer", created_at=after(9))
    with recorded(dynamodb, WRITE, nothing, meanwhile(remove)):
        await store.save_item("thr_1", newer, USER)
    assert await store.load_item("thr_1", "msg_1", USER) == newer
    rows(dynamodb, table_name)


async def test_feedback_goes_with_its_item(store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str) -> None:
    await store.add_thread_item("thr_1", user_message(), USER)
    await store.save_feedback("thr_1", "msg_1", "negative", USER)
    await store.delete_thread_item("thr_1", "msg_1", USER)
    assert [row.key.sk for row in rows(dynamodb, table_name).rows] == ["THR#thr_1"]


async def test_copy_of_an_attachment_from_before_its_message_does_not_take_it_away(
    dynamodb: DynamoDBClient, table_name: str
) -> None:
    now = 1_795_262_400.0
    store = DynamoDBStore(table_name, dynamodb, clock=lambda: now)
    await store.save_thread(thread(), USER)
    await store.save_attachment(file_attachment(), USER)
    await store.save_attachment(file_attachment(thread_id="thr_1"), USER)
    await store.save_attachment(file_attachment(name="verified.txt"), USER)
    now += 2 * DAY
    expected = file_attachment(name="verified.txt", thread_id="thr_1")
    assert await store.load_attachment("atc_1", USER) == expected
    await store.delete_thread("thr_1", USER)
    with pytest.raises(NotFoundError):
        await store.save_attachment(file_attachment(), USER)


async def test_copy_of_an_attachment_saved_while_it_is_removed_goes_with_no_thread(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def remove(other: DynamoDBStore) -> None:
        await other.delete_attachment("atc_1", USER)

    await store.save_attachment(file_attachment(thread_id="thr_1"), USER)
    with recorded(dynamodb, WRITE, nothing, meanwhile(remove)):
        await store.save_attachment(file_attachment(), USER)
    assert await store.load_attachment("atc_1", USER) == file_attachment()


async def test_write_that_was_carried_out_and_whose_repetition_is_refused_keeps_its_object(
    dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str
) -> None:
    store, message = (
        DynamoDBStore(table_name, dynamodb, objects=Objects(bucket, s3)),
        user_message(incompressible(99_000)),
    )
    await store.save_thread(thread(), USER)
    with recorded(dynamodb, WRITE, lost, error("AccessDeniedException")), pytest.raises(StoreRefused):
        await store.add_thread_item("thr_1", message, USER)
    await store.add_thread_item("thr_1", message, USER)
    assert await store.load_item("thr_1", "msg_1", USER) == message


@pytest.mark.parametrize("times", [1, 2])
async def test_hold_placed_or_lifted_between_two_tries_ends_no_write(
    store: DynamoDBStore, dynamodb: DynamoDBClient, dynamodb_endpoint: str, table_name: str, times: int
) -> None:
    """The row is stamped and freed as the command does it, before each try."""
    other, key = dynamodb_client(dynamodb_endpoint), key_attributes(OWNER.thread("thr_1").row)

    def place(_request: object) -> None:
        values = {":now": {"N": "1"}}
        change = {"UpdateExpression": "SET held_since = :now", "ExpressionAttributeValues": values}
        other.update_item(TableName=table_name, Key=key, **change)  # type: ignore[arg-type]  # as it is meant

    def lift(_request: object) -> None:
        other.update_item(TableName=table_name, Key=key, UpdateExpression="REMOVE held_since")

    with recorded(dynamodb, WRITE, *[place, lift] * times) as calls:
        await store.add_thread_item("thr_1", user_message(), USER)
    assert len(calls.operations) == 2 * times + 1
    assert await ids(store) == ["msg_1"]


async def test_object_put_while_its_user_was_erased_goes_with_its_refused_row(
    dynamodb: DynamoDBClient, table_name: str, bucket: str, s3: S3Client, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def erase(other: DynamoDBStore) -> None:
        await other.delete_thread("thr_1", USER)
        for row in dynamodb.scan(TableName=table_name)["Items"]:
            dynamodb.delete_item(TableName=table_name, Key={"pk": row["pk"], "sk": row["sk"]})

    store = DynamoDBStore(table_name, dynamodb, objects=Objects(bucket, s3))
    await store.save_thread(thread(), USER)
    with recorded(s3, "PutObject", meanwhile(erase)), pytest.raises(NotFoundError):
        await store.add_thread_item("thr_1", user_message(incompressible(2 * MAX_INLINE_BYTES)), USER)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def louder(item: ThreadItem) -> ThreadItem:
    """The message with another word behind it."""
    assert isinstance(item, UserMessageItem)
    return user_message(f"{item.content[0].text}!")


@pytest.mark.parametrize("characters", [5, 2 * MAX_INLINE_BYTES], ids=["in its row", "in an object"])
async def test_change_of_an_item_loses_no_other_change(
    dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str, *, characters: int
) -> None:
    store = DynamoDBStore(table_name, dynamodb, objects=Objects(bucket, s3))
    other = DynamoDBStore(table_name, dynamodb_client(dynamodb.meta.endpoint_url), objects=Objects(bucket, s3))
    text, newer = incompressible(characters), incompressible(characters + 1)

    def replace(_request: object) -> None:
        asyncio.run(other.save_item("thr_1", user_message(newer), USER))

    await store.save_thread(thread(), USER)
    await store.add_thread_item("thr_1", user_message(text), USER)
    with recorded(dynamodb, WRITE, replace):
        changed = await store.change_item("thr_1", "msg_1", louder, USER)
    assert changed == await store.load_item("thr_1", "msg_1", USER) == user_message(f"{newer}!")
    rows(dynamodb, table_name)


async def test_item_that_others_change_each_time_is_left_to_them(
    store: DynamoDBStore, dynamodb: DynamoDBClient, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def replace(other: DynamoDBStore) -> None:
        await other.change_item("thr_1", "msg_1", louder, USER)

    await store.add_thread_item("thr_1", user_message("hey"), USER)
    with recorded(dynamodb, WRITE, *[meanwhile(replace)] * 9), pytest.raises(StoreUnavailable):
        await store.change_item("thr_1", "msg_1", louder, USER)
    assert await store.load_item("thr_1", "msg_1", USER) == user_message("hey!!!!!")


async def test_item_that_is_removed_while_it_is_changed_stays_away(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, meanwhile: Callable[[Change], Meanwhile]
) -> None:
    async def remove(other: DynamoDBStore) -> None:
        await other.delete_thread_item("thr_1", "msg_1", USER)

    await store.add_thread_item("thr_1", user_message(), USER)
    with recorded(dynamodb, WRITE, meanwhile(remove)), pytest.raises(NotFoundError):
        await store.change_item("thr_1", "msg_1", louder, USER)
    assert await ids(store) == []
    rows(dynamodb, table_name)
