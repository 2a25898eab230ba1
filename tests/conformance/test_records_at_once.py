"""Many change, add and remove at once: no change is lost, no place is taken twice, nothing that was removed is back."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import meeting, recorded
from chat_testing.builders import context
from chat_testing.conflicts import conflicting
from chat_testing.rights import Clock
from chatkit_aws.errors import RecordNotFound, RecordsFull, StoreUnavailable
from chatkit_aws.records import Records
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.retries import Retries

USER = context()
PARTITION = Owner.of(USER.tenant_id, USER.user_id).partition
PATIENT = Retries(budget=60.0)
"""The machine of a test may be busy; what is tested is not how long it takes."""


class Steps(BaseModel):
    """Who has been here."""

    names: list[int] = []


@pytest.fixture(params=["one waits for the other", "conflicts are refused"])
def conflicts(request: pytest.FixtureRequest, dynamodb: DynamoDBClient, tmp_path: Path) -> Any:
    """As DynamoDB Local has them, and as AWS does."""
    with ExitStack() as stack:
        if "refused" in request.param:
            stack.enter_context(conflicting(dynamodb, tmp_path / "lock"))
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


def records(dynamodb: DynamoDBClient, table_name: str, clock: Clock, **options: Any) -> Records[Steps]:
    """Records of a process of its own."""
    store = DynamoDBStore(table_name, dynamodb, clock=clock, retries=PATIENT)
    return Records(store.kinds, "steps", Steps, clock=clock, retries=PATIENT, **options)


def rows(dynamodb: DynamoDBClient, table_name: str, prefix: str) -> list[Any]:
    found = dynamodb.scan(TableName=table_name, ConsistentRead=True)["Items"]
    return [row for row in found if row["sk"]["S"].startswith(prefix)]


def counted(dynamodb: DynamoDBClient, table_name: str) -> tuple[int, int]:
    """How many the row of the count says, and how many there are."""
    [count] = rows(dynamodb, table_name, "RCN#")
    return int(count["records"]["N"]), len(rows(dynamodb, table_name, "REC#"))


async def outcomes(doing: list[Awaitable[Any]]) -> Counter[str]:
    done = await asyncio.gather(*doing, return_exceptions=True)
    return Counter(type(one).__name__ for one in done)


@pytest.mark.usefixtures("conflicts")
async def test_20_changes_of_one_record_at_once_are_all_done(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    processes = [records(dynamodb, table_name, clock) for _ in range(4)]
    added = await processes[0].add(Steps(), USER)

    def step(number: int) -> Any:
        return lambda steps: Steps(names=[*steps.names, number])

    changing = [processes[number % 4].change(added.id, step(number), USER) for number in range(20)]
    told = await asyncio.gather(*changing)

    found = await processes[0].get(added.id, USER)
    assert sorted(found.value.names) == list(range(20))
    assert found.version == 21
    assert sorted(record.version for record in told) == list(range(2, 22))


@pytest.mark.usefixtures("conflicts")
async def test_50_adds_at_once_fill_10_places_and_no_more(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    processes = [records(dynamodb, table_name, clock, most=10) for _ in range(5)]
    assert await outcomes([processes[number % 5].add(Steps(), USER) for number in range(50)]) == {
        "Record": 10,
        "RecordsFull": 40,
    }
    assert counted(dynamodb, table_name) == (10, 10)


async def test_adds_that_all_met_no_count_fill_no_more_places(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock, most=3)
    with meeting(dynamodb, "Query", 8):  # each counts what there is before any has written it
        assert await outcomes([steps.add(Steps(), USER) for _ in range(8)]) == {"Record": 3, "RecordsFull": 5}
    assert counted(dynamodb, table_name) == (3, 3)


@pytest.mark.parametrize("seed", range(3))
async def test_places_that_expired_are_given_out_once(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock, seed: int
) -> None:
    """All at once find that the count is of yesterday: some of what it counts has expired, some is removed."""
    random = Random(seed)
    steps = records(dynamodb, table_name, clock, most=10, keep_days=3)
    added = [await steps.add(Steps(), USER) for _ in range(5)]
    clock.now += 2 * DAY
    added += [await steps.add(Steps(), USER) for _ in range(5)]
    await steps.change(added[0].id, lambda found: found, USER)
    clock.now += 2 * DAY
    doing: list[Awaitable[Any]] = [steps.add(Steps(), USER) for _ in range(20)]
    doing += [steps.remove(record.id, USER) for record in added[5:8]]
    random.shuffle(doing)
    done = await asyncio.gather(*doing, return_exceptions=True)
    passed = sum(type(one).__name__ == "Record" for one in done)
    assert done.count(True) == 3
    assert 4 <= passed <= 7  # six are left of ten, of which three go, before or after
    live = (await steps.page(None, 100, "asc", USER)).data
    assert len(live) == 3 + passed
    assert int(rows(dynamodb, table_name, "RCN#")[0]["records"]["N"]) == len(live)


@pytest.mark.usefixtures("conflicts")
async def test_adding_and_removing_at_once_keeps_the_count(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock, most=6)

    async def come_and_go() -> None:
        for _ in range(4):
            try:
                added = await steps.add(Steps(), USER)
            except RecordsFull:
                continue
            assert len(rows(dynamodb, table_name, "REC#")) <= 6
            assert await steps.remove(added.id, USER)

    await asyncio.gather(*(come_and_go() for _ in range(8)))
    assert counted(dynamodb, table_name) == (0, 0)


async def test_two_who_remove_one_record_are_told_apart(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock)
    added = await steps.add(Steps(), USER)
    told = await asyncio.gather(*(steps.remove(added.id, USER) for _ in range(5)))
    assert sorted(told) == [False] * 4 + [True]
    assert counted(dynamodb, table_name) == (0, 0)


async def test_record_that_is_removed_while_it_is_changed_stays_removed(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock)
    added, removing = await steps.add(Steps(), USER), records(dynamodb, table_name, clock)
    calls = 0

    def change(found: Steps) -> Steps:
        nonlocal calls
        calls += 1
        key = {"pk": {"S": PARTITION}, "sk": {"S": f"REC#steps#{added.id}"}}
        dynamodb.delete_item(TableName=table_name, Key=key)
        return found

    with pytest.raises(RecordNotFound):
        await steps.change(added.id, change, USER)
    assert calls == 1
    assert await removing.remove(added.id, USER) is False
    assert rows(dynamodb, table_name, "REC#") == []


async def test_change_that_others_always_overtake_gives_up(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    store = DynamoDBStore(table_name, dynamodb, clock=clock)
    quick = Retries(attempts=4, first_wait=0.001, longest_wait=0.002)
    steps = Records(store.kinds, "steps", Steps, clock=clock, retries=quick)
    added, calls = await steps.add(Steps(), USER), 0

    def overtaken(found: Steps) -> Steps:
        nonlocal calls
        calls += 1
        key = {"pk": {"S": PARTITION}, "sk": {"S": f"REC#steps#{added.id}"}}
        change: dict[str, Any] = {
            "UpdateExpression": "ADD revision :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        dynamodb.update_item(TableName=table_name, Key=key, **change)
        return Steps(names=[1])

    with pytest.raises(StoreUnavailable):
        await steps.change(added.id, overtaken, USER)
    assert calls == 4
    assert (await steps.get(added.id, USER)).value == Steps()


async def test_full_user_is_counted_once_a_day(dynamodb: DynamoDBClient, table_name: str, clock: Clock) -> None:
    steps = records(dynamodb, table_name, clock, most=2)
    for _ in range(2):
        await steps.add(Steps(), USER)

    async def refused() -> list[str]:
        with recorded(dynamodb) as calls, pytest.raises(RecordsFull):
            await steps.add(Steps(), USER)
        return calls.operations

    write = "TransactWriteItems"
    assert await refused() == [write]
    clock.now += DAY
    assert await refused() == [write, "Query", "PutItem", write]
    assert await refused() == [write]


def put(dynamodb: DynamoDBClient, table_name: str, sort_key: str, **attributes: Any) -> None:
    key = {"pk": {"S": PARTITION}, "sk": {"S": sort_key}}
    dynamodb.put_item(TableName=table_name, Item={**key, **attributes})


def delete(dynamodb: DynamoDBClient, table_name: str, sort_key: str) -> None:
    dynamodb.delete_item(TableName=table_name, Key={"pk": {"S": PARTITION}, "sk": {"S": sort_key}})


async def test_add_gives_up_where_a_hold_is_placed_and_lifted_each_time(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock)
    await steps.add(Steps(), USER)
    turns: list[Any] = [lambda _: put(dynamodb, table_name, "HLD#"), lambda _: delete(dynamodb, table_name, "HLD#")]
    with recorded(dynamodb, "TransactWriteItems", *turns * 9) as calls, pytest.raises(StoreUnavailable):
        await steps.add(Steps(), USER)
    assert len(calls.operations) == 5
    assert counted(dynamodb, table_name) == (1, 1)


async def test_remove_gives_up_where_the_count_comes_and_goes_each_time(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock)
    added = await steps.add(Steps(), USER)
    turns: list[Any] = [
        lambda _: delete(dynamodb, table_name, "RCN#steps"),
        lambda _: put(dynamodb, table_name, "RCN#steps", records={"N": "1"}, revision={"N": "1"}),
    ]
    with recorded(dynamodb, "TransactWriteItems", *turns * 9) as calls, pytest.raises(StoreUnavailable):
        await steps.remove(added.id, USER)
    assert len(calls.operations) == 5
    assert (await steps.get(added.id, USER)) == added


async def test_hold_that_is_placed_while_a_record_is_added_or_changed_covers_it(
    dynamodb: DynamoDBClient, table_name: str, clock: Clock
) -> None:
    steps = records(dynamodb, table_name, clock, keep_days=3)
    with recorded(dynamodb, "TransactWriteItems", lambda _: put(dynamodb, table_name, "HLD#")):
        added = await steps.add(Steps(), USER)
    [row] = rows(dynamodb, table_name, "REC#")
    assert "held_since" in row
    assert "expires_at" not in row
    await steps.change(added.id, lambda _: Steps(names=[1]), USER)
    [row] = rows(dynamodb, table_name, "REC#")
    assert ("held_since" in row, "expires_at" in row, row["revision"]["N"]) == (True, False, "2")
