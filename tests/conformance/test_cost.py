"""What a turn, a page and a delete ask of the table: it must not grow. `make bench` shows more."""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import tokens
from chat_testing.builders import context, thread
from chat_testing.filling import RETENTION, Filler
from chat_testing.metering import Meter, metered
from chat_testing.texts import exchanges, history
from chat_testing.turns import Stage, stage
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner

USER = context()
OWNER = Owner.of(USER.tenant_id, USER.user_id)
NOW = datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)
PROSE = exchanges()[:3]


@pytest.fixture(scope="module")
def issuer() -> Iterator[tokens.TokenIssuer]:
    with tokens.serving() as issuer:
        yield issuer


@pytest.fixture
def observer(dynamodb_endpoint: str) -> DynamoDBClient:
    """A client that nobody measures."""
    return dynamodb_client(dynamodb_endpoint)


@pytest.fixture
async def app(table_name: str, dynamodb: DynamoDBClient, issuer: tokens.TokenIssuer) -> AsyncIterator[Stage]:
    async with stage(table_name, dynamodb, issuer) as app:
        yield app


@pytest.fixture
def filler(table_name: str, dynamodb: DynamoDBClient) -> Filler:
    return Filler(table_name, dynamodb, OWNER, NOW)


@pytest.fixture
def store(table_name: str, dynamodb: DynamoDBClient) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb, retention=RETENTION)


async def filled(store: DynamoDBStore, filler: Filler, thread_id: str, count: int) -> list[str]:
    """A thread with short items; gives their ids."""
    await store.save_thread(thread(thread_id), USER)
    return filler.conversation(OWNER.thread(thread_id), ["Hello"] * count)


@pytest.mark.parametrize("number", range(len(PROSE)), ids=lambda number: PROSE[number].name)
async def test_turn_with_20_items_before_it_costs_12_write_and_8_read_units(
    app: Stage, observer: DynamoDBClient, number: int
) -> None:
    turn = await app.turn(await app.thread(history(exchanges(), 20, number + 1)), PROSE[number], observer)
    assert (turn.meter.write_units, turn.meter.read_units) == (12, 8)
    assert len(turn.meter.requests) == 7


async def test_first_turn_of_a_day_pays_for_the_expiry_s_move_once(app: Stage, observer: DynamoDBClient) -> None:
    thread_id = await app.thread(history(exchanges(), 20, 1), days_ago=1)
    first, second = [await app.turn(thread_id, PROSE[0], observer) for _ in range(2)]
    assert (first.meter.write_units, second.meter.write_units) == (14, 12)


async def test_model_waits_for_two_requests_one_after_the_other(app: Stage) -> None:
    thread_id = await app.thread(history(exchanges(), 20, 1))
    await app.turn(thread_id, PROSE[1])  # what is made at the first request of all
    turn = await app.turn(thread_id, PROSE[0], delay=0.3)
    assert turn.chain == 2


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_of_items_costs_the_same_from_a_long_thread(
    store: DynamoDBStore, filler: Filler, dynamodb: DynamoDBClient, order: str
) -> None:
    costs = []
    for count in (21, 400):
        ids = await filled(store, filler, f"thr_{count}", count)
        for cursor in (None, (ids if order == "asc" else ids[::-1])[-21]):
            with metered(dynamodb) as meter:
                page = await store.load_thread_items(f"thr_{count}", cursor, 20, order, USER)
            assert len(page.data) == 20
            costs.append(_cost(meter))
    assert costs == [(2, 2), (4, 4)] * 2


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_of_threads_costs_the_same_from_a_long_list(
    store: DynamoDBStore, table_name: str, dynamodb: DynamoDBClient, order: str
) -> None:
    costs = []
    for count in (21, 400):
        user = context(f"user-{count}")
        ids = Filler(table_name, dynamodb, Owner.of(user.tenant_id, user.user_id), NOW).threads(count)
        for cursor in (None, (ids if order == "asc" else ids[::-1])[-21]):
            with metered(dynamodb) as meter:
                page = await store.load_threads(20, cursor, order, user)
            assert len(page.data) == 20
            costs.append(_cost(meter))
    assert costs == [(2, 1), (3, 2)] * 2


async def test_delete_is_one_request_of_six_units_whatever_the_thread_has(
    store: DynamoDBStore, filler: Filler, dynamodb: DynamoDBClient, observer: DynamoDBClient
) -> None:
    costs = []
    for count in (1, 400):
        await filled(store, filler, f"thr_{count}", count)
        with metered(dynamodb, observer) as meter:
            await store.delete_thread(f"thr_{count}", USER)
        costs.append((meter.write_units, meter.read_units, len(meter.requests)))
    assert costs == [(6, 0, 1)] * 2


async def test_rule_is_what_the_emulator_reports_of_a_request_with_one_part(
    table_name: str, dynamodb: DynamoDBClient, observer: DynamoDBClient
) -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    expire = "SET expires_at = :when"
    # The emulator takes a row in the index for 100 bytes longer than it is: no size is just below a kilobyte.
    with metered(dynamodb, observer) as meter:
        for size in (10, 1_005, 1_020, 3_000):
            dynamodb.put_item(TableName=table_name, Item={**key, "body": {"B": bytes(size)}})
        for size in (2_800, 800, 1_500):
            dynamodb.put_item(TableName=table_name, Item={**key, "body": {"B": bytes(size)}, "by_time": {"S": "t"}})
        for when in ("1795262400", "1795262400", "1795348800"):
            value = {":when": {"N": when}}
            dynamodb.update_item(
                TableName=table_name, Key=key, UpdateExpression=expire, ExpressionAttributeValues=value
            )
        dynamodb.delete_item(TableName=table_name, Key=key)
        dynamodb.delete_item(TableName=table_name, Key=key)
    assert [request.ruled for request in meter.requests] == [request.reported for request in meter.requests]


def _cost(meter: Meter) -> tuple[float, int]:
    return meter.read_units, len(meter.requests)
