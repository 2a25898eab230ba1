"""An operation gives up in time, and while it waits everything else goes on."""

import asyncio
import threading

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import context, thread, user_message
from chat_testing.silence import silence
from chatkit_aws.clients import dynamodb_client, lambda_config
from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.retries import Retries

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
