"""Items up to five megabytes survive a round trip; what does not fit its row is an object, and none is left over."""

from collections.abc import Callable
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import cancelled, error, recorded
from chat_testing.builders import after, assistant_message, context, incompressible, thread, user_message
from chatkit_aws.errors import ItemTooLarge, StoreRefused, StoreUnavailable, ThreadNotFound
from chatkit_aws.store import DynamoDBStore, codec
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.overflow import MAX_INLINE_BYTES
from chatkit_aws.store.retries import Retries

OWNER = context()
LARGE = incompressible(200_000)
QUICK = Retries(attempts=2, first_wait=0.001, longest_wait=0.002)


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str, s3: S3Client, bucket: str) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, objects=Objects(bucket, s3), retries=QUICK)
    await made.save_thread(thread(), OWNER)
    return made


type Names = Callable[[], list[str]]


@pytest.fixture
def objects(s3: S3Client, bucket: str) -> Names:
    """The names of the objects there are."""
    return lambda: [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.fixture
def rows(dynamodb: DynamoDBClient, table_name: str) -> Callable[[str], list[Any]]:
    """The rows whose sort keys begin with something."""

    def look(prefix: str) -> list[Any]:
        found = dynamodb.get_paginator("scan").paginate(TableName=table_name)
        return [row for page in found for row in page["Items"] if row["sk"]["S"].startswith(prefix)]

    return look


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hi",
        "x" * 4_900_000,
        "é😀" * 200_000,
        incompressible(80_000),
        incompressible(700_000),
        incompressible(4_900_000),
    ],
    ids=["nothing", "short", "one letter", "many bytes", "over a row's share", "over a row's limit", "five megabytes"],
)
async def test_item_of_any_size_survives_a_round_trip(store: DynamoDBStore, text: str) -> None:
    message = user_message(text)
    await store.add_thread_item("thr_1", message, OWNER)
    assert await store.load_item("thr_1", "msg_1", OWNER) == message
    assert (await store.load_thread_items("thr_1", None, 5, "desc", OWNER)).data == [message]


async def test_only_what_is_too_large_for_its_row_is_an_object(store: DynamoDBStore, objects: Names) -> None:
    await store.add_thread_item("thr_1", user_message(incompressible(MAX_INLINE_BYTES - 200), id="small"), OWNER)
    assert objects() == []
    await store.add_thread_item("thr_1", user_message(LARGE, id="large"), OWNER)
    assert len(objects()) == 1


async def test_item_over_five_megabytes_is_refused_before_anything_is_sent(
    store: DynamoDBStore, dynamodb: DynamoDBClient, s3: S3Client
) -> None:
    with recorded(dynamodb) as calls, recorded(s3) as puts, pytest.raises(ItemTooLarge, match="5,000,000"):
        await store.add_thread_item("thr_1", user_message("x" * codec.MAX_BYTES), OWNER)
    assert calls.operations == puts.operations == []


async def test_object_is_there_before_its_row_and_announced_before_that(
    store: DynamoDBStore, dynamodb: DynamoDBClient, s3: S3Client
) -> None:
    with recorded(dynamodb) as calls, recorded(s3) as puts:
        await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    assert (calls.operations, puts.operations) == (["PutItem", "TransactWriteItems"], ["PutObject"])


async def test_names_of_objects_hold_no_id(store: DynamoDBStore, objects: Names) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    [name] = objects()
    assert not any(word in name for word in ["tenant-1", "user-1", "thr_1", "msg_1"])


async def test_written_item_leaves_no_intent(store: DynamoDBStore, rows: Callable[[str], list[Any]]) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    assert rows("OBJ#") == []


async def test_refused_writes_leave_neither_object_nor_intent(
    store: DynamoDBStore, dynamodb: DynamoDBClient, objects: Names, rows: Callable[[str], list[Any]]
) -> None:
    with pytest.raises(ThreadNotFound):
        await store.add_thread_item("thr_none", user_message(LARGE), OWNER)
    with recorded(dynamodb, "TransactWriteItems", error("AccessDeniedException")), pytest.raises(StoreRefused):
        await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    await store.add_thread_item("thr_1", assistant_message("first", id="msg_1"), OWNER)
    await store.add_thread_item("thr_1", user_message(LARGE, id="msg_1"), OWNER)
    assert (objects(), rows("OBJ#")) == ([], [])


async def test_write_whose_outcome_nobody_knows_leaves_an_intent_that_expires(
    store: DynamoDBStore, dynamodb: DynamoDBClient, objects: Names, rows: Callable[[str], list[Any]]
) -> None:
    conflicts = [cancelled("TransactionConflict", "None", "None", "None")] * 9
    with recorded(dynamodb, "TransactWriteItems", *conflicts), pytest.raises(StoreUnavailable):
        await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    [intent] = rows("OBJ#")
    assert intent["sk"]["S"].removeprefix("OBJ#") == objects()[0]
    assert "expires_at" in intent


async def test_item_that_shrinks_comes_back_into_its_row(store: DynamoDBStore) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    await store.save_item("thr_1", user_message("short"), OWNER)
    assert await store.load_item("thr_1", "msg_1", OWNER) == user_message("short")


async def test_item_replaced_between_its_row_and_its_object_is_read_as_it_is_now(
    store: DynamoDBStore, s3: S3Client, bucket: str, objects: Names
) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    [first] = objects()
    newer = user_message(incompressible(100_000))

    def replaced(params: dict[str, Any], **_: Any) -> None:
        """What another request and cleanup do just then."""
        s3.meta.events.unregister("provide-client-params.s3.GetObject", replaced)
        s3.delete_object(Bucket=bucket, Key=first)

    await store.save_item("thr_1", newer, OWNER)
    s3.meta.events.register("provide-client-params.s3.GetObject", replaced)
    assert await store.load_item("thr_1", "msg_1", OWNER) == newer


async def test_lost_object_does_not_hide_the_rest_of_its_thread(
    store: DynamoDBStore, s3: S3Client, bucket: str, objects: Names, caplog: pytest.LogCaptureFixture
) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    await store.add_thread_item("thr_1", assistant_message(created_at=after(1)), OWNER)
    s3.delete_object(Bucket=bucket, Key=objects()[0])
    page = await store.load_thread_items("thr_1", None, 10, "asc", OWNER)
    assert [item.id for item in page.data] == ["msg_2"]
    assert "object is lost" in caplog.text


async def test_without_a_bucket_a_row_takes_what_fits_and_refuses_the_rest(
    dynamodb: DynamoDBClient, table_name: str
) -> None:
    store = DynamoDBStore(table_name, dynamodb)
    await store.save_thread(thread(), OWNER)
    await store.add_thread_item("thr_1", user_message(incompressible(400_000)), OWNER)
    with pytest.raises(ItemTooLarge, match="409,600"):
        await store.save_item("thr_1", user_message(incompressible(600_000)), OWNER)


async def test_without_a_bucket_an_object_cannot_be_read(
    store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str
) -> None:
    await store.add_thread_item("thr_1", user_message(LARGE), OWNER)
    with pytest.raises(StoreRefused, match="bucket"):
        await DynamoDBStore(table_name, dynamodb).load_item("thr_1", "msg_1", OWNER)


async def test_pages_of_very_large_items_end_early_and_lose_none(store: DynamoDBStore) -> None:
    for number in range(6):
        await store.add_thread_item(
            "thr_1", user_message("x" * 4_900_000, id=f"m{number}", created_at=after(number)), OWNER
        )
    seen: list[str] = []
    cursor, has_more = None, True
    while has_more:
        page = await store.load_thread_items("thr_1", cursor, 100, "asc", OWNER)
        seen += [item.id for item in page.data]
        assert 1 <= len(page.data) <= 4
        cursor, has_more = page.after, page.has_more
    assert seen == [f"m{number}" for number in range(6)]
