"""What a turn, a page and a deletion ask of the table: no more than `make bench` showed when these were measured."""

import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import after, context, thread, user_message
from chat_testing.metering import metered
from chat_testing.texts import exchanges, history
from chat_testing.tokens import TokenIssuer, serving
from chat_testing.turns import Stage, stage
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore

OWNER = context()
ITEMS = 20


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with serving() as made:
        yield made


@pytest.fixture
async def on(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Stage]:
    async with stage(table_name, dynamodb, issuer) as made:
        yield made


async def test_typical_turn_takes_12_write_and_8_read_units(on: Stage, dynamodb_endpoint: str) -> None:
    texts = exchanges()
    turn = await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0], dynamodb_client(dynamodb_endpoint))
    assert turn.meter.write_units <= 12
    assert turn.meter.read_units <= 8
    assert [request.operation for request in turn.meter.writes] == ["TransactWriteItems"] * 2


async def test_history_is_asked_for_together_with_the_thread(on: Stage, dynamodb: DynamoDBClient) -> None:
    texts, is_asked = exchanges(), threading.Event()

    def asked(_request: AWSPreparedRequest) -> None:
        is_asked.set()

    def answered_after_it(_request: AWSPreparedRequest) -> None:
        assert is_asked.wait(10), "the thread was answered, and the history not yet asked for"

    thread_id = await on.thread(history(texts, ITEMS, 1))
    with recorded(dynamodb, "Query", asked), recorded(dynamodb, "GetItem", answered_after_it):
        await on.turn(thread_id, texts[0])


async def test_model_waits_for_two_requests_in_a_row(on: Stage) -> None:
    texts = exchanges()
    turn = await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0])
    before = [request for request in turn.meter.requests if request.ended <= on.models.asked_at]
    # The two reads of the thread and that of its items are one after the other only by accident of threads.
    assert sorted(request.operation for request in before) == ["GetItem", "GetItem", "Query", "TransactWriteItems"]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_costs_the_same_in_a_long_list(dynamodb: DynamoDBClient, table_name: str, order: str) -> None:
    store, costs = DynamoDBStore(table_name, dynamodb), []
    await store.save_thread(thread(), OWNER)
    for number in range(150):
        await store.add_thread_item("thr_1", user_message(id=f"m{number:03}", created_at=after(number)), OWNER)
        if number in {20, 149}:
            with metered(dynamodb) as meter:
                assert len((await store.load_thread_items("thr_1", None, 20, order, OWNER)).data) == 20
            costs.append((meter.read_units, sorted(request.operation for request in meter.requests)))
    assert costs == [(2.0, ["GetItem", "Query"])] * 2


async def test_deleting_a_thread_costs_the_same_whatever_is_in_it(
    dynamodb: DynamoDBClient, dynamodb_endpoint: str, table_name: str
) -> None:
    store, costs = DynamoDBStore(table_name, dynamodb), []
    for number, items in enumerate([0, 60]):
        await store.save_thread(thread(f"thr_{number}"), OWNER)
        for item in range(items):
            await store.add_thread_item(f"thr_{number}", user_message(id=f"m{item}", created_at=after(item)), OWNER)
        with metered(dynamodb, dynamodb_client(dynamodb_endpoint)) as meter:
            await store.delete_thread(f"thr_{number}", OWNER)
        costs.append(([request.operation for request in meter.requests], meter.write_units))
    assert costs == [(["TransactWriteItems"], 6.0)] * 2
