"""An operation gives up in time, and while it waits everything else goes on."""

import asyncio
import threading
import time

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import context, thread, user_message
from chat_testing.silence import silence
from chatkit_aws.clients import dynamodb_client, lambda_config
from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.calls import Calls, deadline
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import THREADS

USER = context()
SOON = Retries(budget=0.2)
READ_TIMEOUT: float = lambda_config().read_timeout  # type: ignore[attr-defined]  # botocore sets it from its options


@pytest.mark.parametrize(
    "doing",
    [
        lambda store: store.add_thread_item("thr_1", user_message(), USER),
        lambda store: store.load_thread_items("thr_1", None, 10, "asc", USER),
        lambda store: store.rename_thread("thr_1", "A title", USER),
    ],
    ids=["write", "read", "rename"],
)
async def test_call_gives_up_within_its_budget_although_botocore_would_go_on(doing: object) -> None:
    assert callable(doing)
    with silence() as server:
        store = DynamoDBStore("table", dynamodb_client(server.endpoint), retries=SOON)
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(READ_TIMEOUT):  # botocore's first attempt would last so long
                await doing(store)
        assert server.connections


async def test_event_loop_goes_on_while_requests_are_on_their_way(dynamodb: DynamoDBClient, table_name: str) -> None:
    loop, waited = asyncio.get_running_loop(), 0

    def ask_the_loop(_request: AWSPreparedRequest) -> None:
        """Held up until the loop has run something; it never would if it waited for the request."""
        nonlocal waited
        went_on = threading.Event()
        loop.call_soon_threadsafe(went_on.set)
        assert went_on.wait(10)
        waited += 1

    store = DynamoDBStore(table_name, dynamodb)
    with recorded(dynamodb, "*", *[ask_the_loop] * 20):
        await store.save_thread(thread(), USER)
        await store.add_thread_item("thr_1", user_message(), USER)
        await store.load_thread_items("thr_1", None, 10, "asc", USER)
        await store.delete_thread("thr_1", USER)
    assert waited == 5


@pytest.mark.parametrize("how", ["budget", "deadline", "cancelled"])
async def test_write_that_was_given_up_is_not_sent_over_a_later_one(
    dynamodb: DynamoDBClient, dynamodb_endpoint: str, table_name: str, how: str
) -> None:
    slow, stalled, go_on = dynamodb_client(dynamodb_endpoint), threading.Event(), threading.Event()

    def stall(_request: AWSPreparedRequest) -> None:
        stalled.set()
        assert go_on.wait(10)

    store = DynamoDBStore(table_name, dynamodb)
    await store.save_thread(thread(), USER)
    giving_up = DynamoDBStore(table_name, slow, retries=SOON if how == "budget" else None)
    token = deadline.set(time.time() + 0.2 if how == "deadline" else None)
    with recorded(slow, "UpdateItem", stall):
        renaming = asyncio.create_task(giving_up.rename_thread("thr_1", "first", USER))
        deadline.reset(token)
        await asyncio.to_thread(stalled.wait, 10)
        if how == "cancelled":
            renaming.cancel()
        with pytest.raises(asyncio.CancelledError if how == "cancelled" else StoreUnavailable):
            await renaming
        await store.rename_thread("thr_1", "second", USER)
        go_on.set()
        # It is done when its thread is free for another call: as many calls as there are threads take them all.
        await asyncio.gather(*(giving_up.load_thread("thr_1", USER) for _ in range(THREADS)))
    assert (await store.load_thread("thr_1", USER)).title == "second"


@pytest.mark.parametrize("service", ["DynamoDB", "S3", "KMS"])
async def test_no_call_outlasts_the_deadline_of_its_request(service: str) -> None:
    release, token = threading.Event(), deadline.set(time.time() + 0.1)
    try:
        with pytest.raises(StoreUnavailable, match=service):
            await Calls(service, 1).run(lambda: release.wait(10))
    finally:
        deadline.reset(token)
        release.set()
