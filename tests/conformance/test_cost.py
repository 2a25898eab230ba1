"""What a turn, a page and a deletion ask of the table: no more than `make bench` showed when these were measured."""

import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from agents.testing import function_call
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.web.claims import HEADER
from chat_testing.boto_calls import recorded
from chat_testing.builders import after, context, thread, user_message
from chat_testing.filling import Filler
from chat_testing.metering import metered
from chat_testing.texts import exchanges, history
from chat_testing.tokens import TokenIssuer, serving
from chat_testing.turns import SECONDS_BETWEEN, Stage, of_store, stage
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner

OWNER = context()
KEYS = Owner.of(OWNER.tenant_id, OWNER.user_id)
ITEMS = 20


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with serving() as made:
        yield made


@pytest.fixture
def observer(dynamodb_endpoint: str) -> DynamoDBClient:
    """A client that nobody measures."""
    return dynamodb_client(dynamodb_endpoint)


@pytest.fixture
async def on(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Stage]:
    """A turn's own costs, without a log of its events."""
    async with stage(table_name, dynamodb, issuer, run_event_minutes=0) as made:
        yield made


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
    # The two reads of the thread, that of its items and the lease are one after the other only by accident of threads.
    reads = ["GetItem", "GetItem", "Query"]
    assert sorted(request.operation for request in before) == [*reads, "TransactWriteItems", "UpdateItem"]


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


@pytest.mark.parametrize("number", range(3))
async def test_typical_turn_takes_12_write_and_8_read_units(on: Stage, observer: DynamoDBClient, number: int) -> None:
    texts = exchanges()
    turn = await on.turn(await on.thread(history(texts, ITEMS, number + 1)), texts[number], observer)
    assert (of_store(turn.meter.write_units_by_kind()), of_store(turn.meter.read_units_by_kind())) == (12, 8)
    assert [request.operation for request in turn.meter.writes].count("TransactWriteItems") == 2


async def test_lease_takes_6_write_units(on: Stage, observer: DynamoDBClient) -> None:
    texts = exchanges()
    turn = await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0], observer)
    units = turn.meter.write_units_by_kind()
    assert (units["RUN"], units["EVT"], units["STP"]) == (6, 0, 0)


async def test_name_takes_a_read_unit_and_a_write_unit(on: Stage, observer: DynamoDBClient) -> None:
    texts = exchanges()
    on.headers[HEADER] = "the-run-of-a-page-1"
    turn = await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0], observer)
    written, read = turn.meter.write_units_by_kind(), turn.meter.read_units_by_kind()
    assert (written["NAM"], written["RUN"], of_store(written)) == (1, 6, 12)
    assert (read["NAM"], of_store(read)) == (1, 8)


async def test_turn_right_after_another_reads_what_that_left_and_one_a_while_later_does_not(
    on: Stage, observer: DynamoDBClient
) -> None:
    texts = exchanges()
    thread_id, read = await on.thread(history(texts, ITEMS, 1)), []
    for seconds in (0, -SECONDS_BETWEEN, 0):  # the first has none before it
        on.clock.ahead += seconds
        turn = await on.turn(thread_id, texts[0], observer)
        read.append(of_store(turn.meter.read_units_by_kind()))
    assert read == [8, 14, 8]


@pytest.mark.parametrize("calls", [1, 3])
async def test_turn_with_tools_takes_8_write_units_more_however_many_there_are(
    on: Stage, observer: DynamoDBClient, calls: int
) -> None:
    texts = exchanges()
    thread_id = await on.thread(history(texts, ITEMS, 1))
    for number in range(calls):
        zone = {"time_zone": "Europe/Berlin"}
        on.models.model.enqueue([function_call("current_time", zone, call_id=f"call_{number}", item_id=f"fc_{number}")])
    turn = await on.turn(thread_id, texts[0], observer)
    units = turn.meter.write_units_by_kind()
    assert (of_store(units), units["RUN"]) == (18, 8)
    later = await on.turn(thread_id, texts[0], observer)
    assert (of_store(later.meter.write_units_by_kind()), of_store(later.meter.read_units_by_kind())) == (12, 8)


async def test_events_of_a_short_turn_are_one_batch_and_two_reads_before_it(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, observer: DynamoDBClient
) -> None:
    texts = exchanges()
    async with stage(table_name, dynamodb, issuer) as on:
        turn = await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0], observer)
    units = turn.meter.write_units_by_kind()
    assert turn.meter.batches == 1
    assert 1 <= units["EVT"] <= 4
    assert (units["RUN"], of_store(units)) == (6, 12)
    assert turn.meter.read_units_by_kind()["RUN"] == 1


async def test_first_turn_of_a_day_pays_for_the_expiry_s_move_once(on: Stage, observer: DynamoDBClient) -> None:
    texts = exchanges()
    thread_id = await on.thread(history(texts, ITEMS, 1), days_ago=1)
    turns = [await on.turn(thread_id, texts[0], observer) for _ in range(2)]
    assert [of_store(turn.meter.write_units_by_kind()) for turn in turns] == [14, 12]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_after_a_cursor_costs_the_same_in_a_long_thread(
    dynamodb: DynamoDBClient, table_name: str, order: str
) -> None:
    store, costs = DynamoDBStore(table_name, dynamodb), []
    for count in (21, 400):
        await store.save_thread(thread(f"thr_{count}"), OWNER)
        ids = _filler(dynamodb, table_name, OWNER).conversation(KEYS.thread(f"thr_{count}"), ["Hello"] * count)
        cursor = (ids if order == "asc" else ids[::-1])[-21]
        with metered(dynamodb) as meter:
            assert len((await store.load_thread_items(f"thr_{count}", cursor, 20, order, OWNER)).data) == 20
        costs.append((meter.read_units, len(meter.requests)))
    assert costs == [(4.0, 4)] * 2


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_page_of_threads_costs_the_same_in_a_long_list(
    dynamodb: DynamoDBClient, table_name: str, order: str
) -> None:
    store, costs = DynamoDBStore(table_name, dynamodb), []
    for count in (21, 400):
        user = context(f"user-{count}")
        ids = _filler(dynamodb, table_name, user).threads(count)
        for cursor in (None, (ids if order == "asc" else ids[::-1])[-21]):
            with metered(dynamodb) as meter:
                assert len((await store.load_threads(20, cursor, order, user)).data) == 20
            costs.append((meter.read_units, len(meter.requests)))
    assert costs == [(2.0, 1), (3.0, 2)] * 2


async def test_rule_is_what_the_emulator_reports_of_a_request_with_one_part(
    dynamodb: DynamoDBClient, table_name: str, observer: DynamoDBClient
) -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    with metered(dynamodb, observer) as meter:
        for size in (10, 1_005, 1_020, 3_000):
            dynamodb.put_item(TableName=table_name, Item={**key, "body": {"B": bytes(size)}})
        # The emulator takes a row in the index for 100 bytes longer than it is: no size is just below a kilobyte.
        for size in (2_800, 800, 1_500):
            dynamodb.put_item(TableName=table_name, Item={**key, "body": {"B": bytes(size)}, "by_time": {"S": "t"}})
        for when in ("1795262400", "1795262400", "1795348800"):
            change = {"UpdateExpression": "SET expires_at = :when", "ExpressionAttributeValues": {":when": {"N": when}}}
            dynamodb.update_item(TableName=table_name, Key=key, **change)  # type: ignore[arg-type]  # as it is meant
        for _ in range(2):
            dynamodb.delete_item(TableName=table_name, Key=key)
    assert [request.ruled for request in meter.requests] == [request.reported for request in meter.requests]


def _filler(dynamodb: DynamoDBClient, table_name: str, user: RequestContext) -> Filler:
    now = datetime.now(UTC).replace(tzinfo=None)
    return Filler(table_name, dynamodb, Owner.of(user.tenant_id, user.user_id), now)
