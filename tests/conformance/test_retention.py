"""Threads expire as retention says: writing moves the expiry, or does not, and what has expired is out of reach."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from chatkit.store import NotFoundError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.builders import after, assistant_message, context, file_attachment, thread, user_message
from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.store import DynamoDBStore, Retention
from chatkit_aws.store.retention import DAY, DELETED, Policy

OWNER = context()
MIDNIGHT = 1_795_305_600.0  # a multiple of a day
DAYS = 7


@dataclass
class Clock:
    """A time that a test moves."""

    now: float = MIDNIGHT + 3600

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["last_activity", "created"])
def policy(request: pytest.FixtureRequest) -> Policy:
    chosen: Policy = request.param
    return chosen


@pytest.fixture
async def store(dynamodb: DynamoDBClient, table_name: str, clock: Clock, policy: Policy) -> DynamoDBStore:
    made = DynamoDBStore(table_name, dynamodb, clock=clock, retention=Retention(DAYS, policy))
    await made.save_thread(thread(created_at=naive(clock.now)), OWNER)
    return made


def naive(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC).replace(tzinfo=None)


type Expiries = Callable[[str], list[int]]


@pytest.fixture
def expiry_of(dynamodb: DynamoDBClient, table_name: str) -> Expiries:
    """When the rows expire whose sort keys begin with something."""

    def look(prefix: str) -> list[int]:
        rows = dynamodb.scan(TableName=table_name)["Items"]
        found = [row for row in rows if row["sk"]["S"].startswith(prefix)]
        return [int(row["expires_at"]["N"]) for row in found if "expires_at" in row]

    return look


async def test_expiry_is_the_end_of_a_day(store: DynamoDBStore, expiry_of: Expiries) -> None:
    assert expiry_of("THR#") == [MIDNIGHT + (DAYS + 1) * DAY]


@pytest.mark.parametrize("writing", ["add", "save", "feedback", "attachment"])
async def test_writing_below_a_thread_moves_its_expiry_by_activity_only(
    store: DynamoDBStore, expiry_of: Expiries, clock: Clock, policy: Policy, writing: str
) -> None:
    await store.add_thread_item("thr_1", assistant_message(), OWNER)
    [before] = expiry_of("THR#")
    clock.now += 3 * DAY
    match writing:
        case "add":
            await store.add_thread_item("thr_1", user_message(), OWNER)
        case "save":
            await store.save_item("thr_1", assistant_message("again"), OWNER)
        case "feedback":
            await store.save_feedback("thr_1", "msg_2", "positive", OWNER)
        case "attachment":
            await store.save_attachment(file_attachment(thread_id="thr_1"), OWNER)
    moved = 3 * DAY if policy == "last_activity" else 0
    assert expiry_of("THR#") == [before + moved]


async def test_expiry_is_moved_in_the_transaction_that_writes_the_item(
    store: DynamoDBStore, dynamodb: DynamoDBClient, policy: Policy
) -> None:
    with recorded(dynamodb) as calls:
        await store.add_thread_item("thr_1", user_message(), OWNER)
    assert calls.operations == ["TransactWriteItems"]
    first: dict[str, Any] = calls.bodies[0]["TransactItems"][0]
    assert list(first) == ["Update" if policy == "last_activity" else "ConditionCheck"]


async def test_saving_a_thread_again_moves_its_expiry_by_activity_only(
    store: DynamoDBStore, expiry_of: Expiries, clock: Clock, policy: Policy
) -> None:
    [before] = expiry_of("THR#")
    clock.now += 2 * DAY
    await store.save_thread(thread(title="Later", created_at=naive(MIDNIGHT)), OWNER)
    moved = 2 * DAY if policy == "last_activity" else 0
    assert expiry_of("THR#") == [before + moved]


async def test_thread_in_use_lives_on_by_activity_and_ends_by_creation(
    store: DynamoDBStore, clock: Clock, policy: Policy
) -> None:
    for number in range(5):
        clock.now += 5 * DAY
        writing = store.add_thread_item("thr_1", user_message(id=f"m{number}", created_at=after(number)), OWNER)
        if policy == "created" and number > 0:
            with pytest.raises(ThreadNotFound):
                await writing
        else:
            await writing
    expected = 5 if policy == "last_activity" else 0
    assert len((await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data) == expected


async def test_expired_thread_is_out_of_reach_for_everything(store: DynamoDBStore, clock: Clock) -> None:
    await store.add_thread_item("thr_1", user_message(), OWNER)
    await store.save_attachment(file_attachment(thread_id="thr_1"), OWNER)
    clock.now += (DAYS + 1) * DAY
    assert (await store.load_threads(10, None, "asc", OWNER)).data == []
    assert (await store.load_thread_items("thr_1", None, 10, "asc", OWNER)).data == []
    for using in [
        store.load_thread("thr_1", OWNER),
        store.load_item("thr_1", "msg_1", OWNER),
        store.load_attachment("atc_1", OWNER),
        store.save_thread(thread(), OWNER),
        store.rename_thread("thr_1", "Back", OWNER),
        store.add_thread_item("thr_1", user_message(id="m"), OWNER),
        store.save_item("thr_1", user_message(), OWNER),
        store.save_feedback("thr_1", "msg_1", "positive", OWNER),
        store.save_attachment(file_attachment(thread_id="thr_1"), OWNER),
    ]:
        with pytest.raises(NotFoundError):
            await using


async def test_everything_below_a_thread_expires_by_itself_after_it(store: DynamoDBStore, expiry_of: Expiries) -> None:
    await store.add_thread_item("thr_1", user_message(), OWNER)
    await store.save_feedback("thr_1", "msg_1", "negative", OWNER)
    await store.save_attachment(file_attachment(thread_id="thr_1"), OWNER)
    [thread_expires] = expiry_of("THR#")
    for prefix in ["ITM#", "PLC#", "FBK#", "ATD#", "ATT#"]:
        [expires] = expiry_of(prefix)
        assert expires > thread_expires, prefix


async def test_attachment_without_a_message_goes_after_a_day(store: DynamoDBStore, clock: Clock) -> None:
    await store.save_attachment(file_attachment(), OWNER)
    clock.now += DAY - 1
    await store.load_attachment("atc_1", OWNER)
    clock.now += 1
    with pytest.raises(NotFoundError):
        await store.load_attachment("atc_1", OWNER)


async def test_deleted_thread_can_be_made_again_after_a_day(store: DynamoDBStore, clock: Clock) -> None:
    await store.delete_thread("thr_1", OWNER)
    clock.now += DELETED - 1
    with pytest.raises(ThreadNotFound):
        await store.save_thread(thread(), OWNER)
    clock.now += 1
    await store.save_thread(thread(created_at=naive(clock.now)), OWNER)
    assert (await store.load_thread("thr_1", OWNER)).id == "thr_1"


async def test_without_retention_nothing_has_an_expiry(dynamodb: DynamoDBClient, table_name: str) -> None:
    store = DynamoDBStore(table_name, dynamodb)
    await store.save_thread(thread(), OWNER)
    await store.add_thread_item("thr_1", user_message(), OWNER)
    await store.save_feedback("thr_1", "msg_1", "positive", OWNER)
    assert all("expires_at" not in row for row in dynamodb.scan(TableName=table_name)["Items"])


@pytest.fixture
def forever(store: DynamoDBStore, dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> DynamoDBStore:
    """The store once retention has ended."""
    return DynamoDBStore(table_name, dynamodb, clock=clock)


@pytest.mark.parametrize("writing", ["item", "thread"])
async def test_thread_written_once_retention_ended_stays_for_ever(
    forever: DynamoDBStore, dynamodb: DynamoDBClient, clock: Clock, expiry_of: Expiries, writing: str
) -> None:
    clock.now += 3 * DAY
    if writing == "item":
        await forever.add_thread_item("thr_1", assistant_message(), OWNER)
    else:
        await forever.save_thread(thread(), OWNER)
    assert expiry_of("THR#") == []
    with recorded(dynamodb) as calls:
        await forever.add_thread_item("thr_1", user_message(), OWNER)
    assert calls.operations == ["TransactWriteItems"]


async def test_expired_thread_stays_expired_once_retention_ended(forever: DynamoDBStore, clock: Clock) -> None:
    clock.now += (DAYS + 1) * DAY
    with pytest.raises(ThreadNotFound):
        await forever.add_thread_item("thr_1", assistant_message(), OWNER)
    with pytest.raises(ThreadNotFound):
        await forever.save_thread(thread(), OWNER)


@pytest.mark.parametrize("age", [0, 9 * 365])
async def test_thread_of_before_retention_gets_its_expiry_with_the_next_item(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock, expiry_of: Expiries, age: int
) -> None:
    forever = DynamoDBStore(table_name, dynamodb, clock=clock)
    await forever.save_thread(thread(created_at=naive(clock.now)), OWNER)
    clock.now += age * DAY
    store = DynamoDBStore(table_name, dynamodb, clock=clock, retention=Retention(DAYS, "created"))
    await store.add_thread_item("thr_1", assistant_message(), OWNER)
    due = MIDNIGHT + (DAYS + 1) * DAY
    assert expiry_of("THR#") == [due if age < DAYS else clock.now + DAY]
    assert await store.load_item("thr_1", assistant_message().id, OWNER) == assistant_message()


async def test_expired_attachment_refuses_every_write(store: DynamoDBStore, clock: Clock) -> None:
    await store.save_attachment(file_attachment(), OWNER)
    clock.now += DAY
    for changed in (file_attachment(name="changed"), file_attachment(thread_id="thr_1")):
        with pytest.raises(NotFoundError):
            await store.save_attachment(changed, OWNER)
    with pytest.raises(NotFoundError):
        await store.load_attachment("atc_1", OWNER)
