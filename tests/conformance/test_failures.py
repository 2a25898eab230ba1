"""What goes wrong below the store reaches its callers as one error for each cause, after retries that write once."""

import logging

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import Answer, broken, cancelled, error, lost, recorded
from chat_testing.builders import assistant_message, context, incompressible, thread, user_message, widget_item
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ChatKitAwsError, InvalidId, InvalidItem, ItemTooLarge, StoreRefused, StoreUnavailable
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.retries import Retries

OWNER = context()
QUICK = Retries(attempts=4, first_wait=0.001, longest_wait=0.002)
WRITE = "TransactWriteItems"


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, retries=QUICK)
    await made.save_thread(thread(), OWNER)
    return made


@pytest.mark.parametrize(
    "answer",
    [
        cancelled("ThrottlingError", "None"),
        cancelled("ProvisionedThroughputExceeded", "TransactionConflict"),
        cancelled("TransactionConflict", "None"),
        cancelled("None", "TransactionConflict"),
        error("TransactionInProgressException"),
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
        error("InternalServerError", 500),
        broken(ConnectionClosedError(endpoint_url="http://127.0.0.1")),
        lost,
    ],
    ids=[
        "part throttled",
        "throttled and busy",
        "thread busy",
        "item busy",
        "in progress",
        "throughput",
        "throttled",
        "server error",
        "closed",
        "answer lost",
    ],
)
async def test_passing_failure_is_repeated_and_writes_once(
    store: DynamoDBStore, dynamodb: DynamoDBClient, answer: Answer
) -> None:
    with recorded(dynamodb, WRITE, answer) as calls:
        await store.add_thread_item("thr_1", user_message(), OWNER)
    assert len(calls.operations) == 2
    assert len({body["ClientRequestToken"] for body in calls.bodies}) == 1
    assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == [user_message()]


async def test_lasting_conflict_makes_the_store_unavailable(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    answers = [cancelled("TransactionConflict", "None")] * 99
    with recorded(dynamodb, WRITE, *answers) as calls, pytest.raises(StoreUnavailable):
        await store.add_thread_item("thr_1", user_message(), OWNER)
    assert len(calls.operations) == QUICK.attempts


async def test_delete_that_meets_a_transaction_is_repeated(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    await store.add_thread_item("thr_1", user_message(), OWNER)
    with recorded(dynamodb, WRITE, cancelled("None", "TransactionConflict", "None")) as calls:
        await store.delete_thread_item("thr_1", "msg_1", OWNER)
    assert len(calls.operations) == 2
    assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == []


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (error("ThrottlingException"), StoreUnavailable),
        (error("InternalServerError", 500), StoreUnavailable),
        (error("SomethingNew", 503), StoreUnavailable),
        (cancelled("ThrottlingError", "None"), StoreUnavailable),
        (cancelled("ThrottlingError", "TransactionConflict"), StoreUnavailable),
        (broken(ConnectTimeoutError(endpoint_url="http://127.0.0.1")), StoreUnavailable),
        (broken(EndpointConnectionError(endpoint_url="http://127.0.0.1")), StoreUnavailable),
        (error("AccessDeniedException"), StoreRefused),
        (error("ResourceNotFoundException"), StoreRefused),
        (error("KMSAccessDeniedException"), StoreRefused),
        (error("ValidationException"), StoreRefused),
        (cancelled("ValidationError", "None"), StoreRefused),
    ],
)
async def test_lasting_failure_has_the_error_of_its_cause(
    dynamodb_endpoint: str, table_name: str, answer: Answer, cause: type[ChatKitAwsError]
) -> None:
    client = dynamodb_client(dynamodb_endpoint)
    store = DynamoDBStore(table_name, client, retries=QUICK)
    with recorded(client, "*", *[answer] * 99), pytest.raises(cause) as raised:
        await store.save_thread(thread(), OWNER)
    assert "told by a test" not in str(raised.value)


async def test_reads_fail_as_writes_do(store: DynamoDBStore, dynamodb: DynamoDBClient) -> None:
    with recorded(dynamodb, "*", *[error("AccessDeniedException")] * 99):
        for reading in [
            store.load_thread("thr_1", OWNER),
            store.load_threads(10, None, "asc", OWNER),
            store.load_thread_items("thr_1", None, 10, "asc", OWNER),
            store.load_item("thr_1", "msg_1", OWNER),
            store.load_attachment("atc_1", OWNER),
        ]:
            with pytest.raises(StoreRefused):
                await reading


async def test_item_that_is_too_large_is_refused_before_anything_is_sent(
    store: DynamoDBStore, dynamodb: DynamoDBClient
) -> None:
    with recorded(dynamodb) as calls:
        for writing in [
            store.add_thread_item("thr_1", user_message(incompressible(600_000)), OWNER),
            store.save_item("thr_1", user_message(incompressible(600_000)), OWNER),
            store.save_thread(thread(title=incompressible(300_000)), OWNER),
            store.add_thread_item("thr_1", user_message("x" * 5_000_000), OWNER),
        ]:
            with pytest.raises(ItemTooLarge, match=r"409,600|204,800|5,000,000"):
                await writing
    assert calls.operations == []


async def test_large_item_is_kept(store: DynamoDBStore) -> None:
    message = user_message("é" * 100_000)
    await store.add_thread_item("thr_1", message, OWNER)
    assert await store.load_item("thr_1", "msg_1", OWNER) == message


@pytest.mark.parametrize("nobody", [context(""), context(tenant_id=""), context("x" * 2000), context("\ud800")])
async def test_nobody_in_particular_can_do_nothing(store: DynamoDBStore, nobody: RequestContext) -> None:
    for doing in [
        store.load_threads(10, None, "asc", nobody),
        store.load_thread("thr_1", nobody),
        store.save_thread(thread(), nobody),
        store.delete_thread("thr_1", nobody),
        store.add_thread_item("thr_1", user_message(), nobody),
        store.load_attachment("atc_1", nobody),
    ]:
        with pytest.raises(InvalidId):
            await doing


@pytest.mark.parametrize("impossible", ["", "x" * 2000, "\ud800"])
async def test_new_thing_of_an_impossible_id_is_refused(store: DynamoDBStore, impossible: str) -> None:
    for writing in [
        store.save_thread(thread(impossible), OWNER),
        store.add_thread_item("thr_1", user_message(id=impossible), OWNER),
        store.save_item("thr_1", user_message(id=impossible), OWNER),
    ]:
        with pytest.raises(InvalidId):
            await writing


async def test_item_of_another_type_under_a_used_id_is_reported(
    store: DynamoDBStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.add_thread_item("thr_1", assistant_message("secret", id="same"), OWNER)
    with caplog.at_level(logging.WARNING):
        await store.add_thread_item("thr_1", assistant_message("secret again", id="same"), OWNER)
        assert caplog.text == ""
        await store.add_thread_item("thr_1", widget_item("secret", id="same"), OWNER)
    assert "type=assistant_message dropped=widget" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(("title", "cause"), [("\ud800", InvalidItem), ("x" * 5_000, ItemTooLarge)])
async def test_title_that_cannot_be_stored_is_refused_before_anything_is_sent(
    store: DynamoDBStore, dynamodb: DynamoDBClient, title: str, cause: type[ChatKitAwsError]
) -> None:
    with recorded(dynamodb) as calls, pytest.raises(cause):
        await store.rename_thread("thr_1", title, OWNER)
    assert calls.operations == []
