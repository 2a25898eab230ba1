"""A user's running turns are never more than allowed, and those of killed processes end by themselves."""

import asyncio
import threading
from contextlib import suppress
from random import Random

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.metered_users import ALICE, Counted, admitted
from chatkit_aws.usage import Limits, Meter, QuotaReached, Usage

RUNS = Limits(concurrent_runs=10)


@pytest.fixture
def counted(table_name: str, dynamodb: DynamoDBClient) -> Counted:
    return Counted(table_name, dynamodb)


@pytest.fixture
def meter(counted: Counted) -> Meter:
    return counted.meter(RUNS, is_counted=False)


def slots(counted: Counted) -> tuple[int, dict[str, int]]:
    """How many the row says there are, and those that there are."""
    row = dict(counted.rows()["SLT#"])
    del row["expires_at"]
    return row.pop("running"), row


async def test_places_of_killed_turns_are_taken_by_10_of_50_at_once(counted: Counted, meter: Meter) -> None:
    assert len(await admitted(meter, [ALICE] * 50, counted.now + 60, "killed")) == 10
    counted.clock.now += 60
    assert len(await admitted(meter, [ALICE] * 50, counted.now + 60, "next")) == 10
    count, runs = slots(counted)
    assert (count, len(runs)) == (10, 10)
    assert all(name.startswith("run next-") for name in runs)


async def test_place_of_one_killed_turn_is_taken_by_one(counted: Counted, meter: Meter) -> None:
    await meter.admit(ALICE, "killed", counted.now + 30)
    assert len(await admitted(meter, [ALICE] * 20, counted.now + 90)) == 9
    counted.clock.now += 30
    assert len(await admitted(meter, [ALICE] * 20, counted.now + 90, "next")) == 1


async def test_end_of_a_turn_frees_its_place_once(counted: Counted, meter: Meter) -> None:
    first = await meter.admit(ALICE, "run-1", counted.now + 60)
    await meter.admit(ALICE, "run-2", counted.now + 60)
    await first.settle(Usage())
    await first.settle(Usage())
    await first.give_back()
    assert slots(counted) == (1, {"run run-2": counted.now + 60})


async def test_renewed_turn_keeps_its_place(counted: Counted, meter: Meter) -> None:
    ten = await admitted(meter, [ALICE] * 10, counted.now + 60)
    assert await ten[0].renew(counted.now + 120)
    counted.clock.now += 60
    assert len(await admitted(meter, [ALICE] * 20, counted.now + 60, "next")) == 9


async def test_turn_whose_time_is_over_is_renewed_if_nobody_took_its_place(counted: Counted, meter: Meter) -> None:
    admission = await meter.admit(ALICE, "run-1", counted.now + 30)
    counted.clock.now += 60
    assert await admission.renew(counted.now + 60)
    assert slots(counted) == (1, {"run run-1": counted.now + 60})


async def test_turn_whose_place_was_taken_is_told_so(counted: Counted, meter: Meter) -> None:
    admission = await meter.admit(ALICE, "late", counted.now + 30)
    counted.clock.now += 30
    ten = await admitted(meter, [ALICE] * 10, counted.now + 60)
    assert not await admission.renew(counted.now + 60)
    await ten[0].settle(Usage())
    assert await admission.renew(counted.now + 60)
    assert slots(counted)[0] == 10


async def test_turn_that_ends_while_it_is_renewed_takes_no_place_again(counted: Counted) -> None:
    admission = await counted.meter(RUNS).admit(ALICE, "run-1", counted.now + 60)
    is_renewing, others, may_go_on = asyncio.Event(), asyncio.Semaphore(0), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_request: AWSPreparedRequest) -> None:
        loop.call_soon_threadsafe(is_renewing.set)
        assert may_go_on.wait(10)

    def see(_request: AWSPreparedRequest) -> None:
        loop.call_soon_threadsafe(others.release)

    with recorded(counted.dynamodb, "UpdateItem", hold, *[see] * 3):
        renewing = asyncio.create_task(admission.renew(counted.now + 120))
        await is_renewing.wait()
        settling = asyncio.create_task(admission.settle(Usage()))
        for _ in ("day", "month", "turn"):
            await others.acquire()
        may_go_on.set()
        await asyncio.gather(renewing, settling)
    assert slots(counted) == (0, {})
    assert not await admission.renew(counted.now + 180)
    assert slots(counted) == (0, {})


async def test_same_turn_again_has_one_place_until_the_later_time(counted: Counted, meter: Meter) -> None:
    await meter.admit(ALICE, "run-1", counted.now + 30)
    counted.clock.now += 40
    await meter.admit(ALICE, "run-1", counted.now + 60)
    assert slots(counted) == (1, {"run run-1": counted.now + 60})


async def test_lower_limit_lets_nobody_through_until_there_is_room(counted: Counted, meter: Meter) -> None:
    await admitted(meter, [ALICE] * 10, counted.now + 60, "before")
    lower = counted.meter(Limits(concurrent_runs=3), is_counted=False)
    with pytest.raises(QuotaReached, match="runs"):
        await lower.admit(ALICE, "run-1", counted.now + 60)
    counted.clock.now += 60
    assert len(await admitted(lower, [ALICE] * 20, counted.now + 60, "next")) == 3
    assert slots(counted)[0] == 3


async def test_hundred_killed_turns_are_cleared_at_once(counted: Counted) -> None:
    meter = counted.meter(Limits(concurrent_runs=100), is_counted=False)
    assert len(await admitted(meter, [ALICE] * 101, counted.now + 60, "killed")) == 100
    counted.clock.now += 60
    await meter.admit(ALICE, "next", counted.now + 60)
    assert slots(counted) == (1, {"run next": counted.now + 60})


async def test_row_expires_a_day_after_its_last_use(counted: Counted, meter: Meter) -> None:
    admission = await meter.admit(ALICE, "run-1", counted.now + 60)
    await admission.renew(counted.now + 120)
    assert counted.rows()["SLT#"]["expires_at"] == counted.now + 120 + 86_400


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_turns_do_there_are_never_more_than_allowed(counted: Counted, seed: int) -> None:
    meter, random = counted.meter(Limits(concurrent_runs=3), is_counted=False), Random(seed)
    running: dict[str, int] = {}

    async def user(name: str) -> None:
        for number in range(15):
            run_id, until = f"{name}-{number}", counted.now + random.randint(20, 40)
            with suppress(QuotaReached):
                admission = await meter.admit(ALICE, run_id, until)
                running[run_id] = until
                assert sum(end > counted.now for end in running.values()) <= 3
                counted.clock.now += random.randint(0, 8)
                if random.random() < 0.5:  # else it is killed
                    del running[run_id]
                    await admission.settle(Usage())

    await asyncio.gather(*(user(f"tab-{number}") for number in range(8)))
    count, runs = slots(counted)
    assert count == len(runs) <= 3
