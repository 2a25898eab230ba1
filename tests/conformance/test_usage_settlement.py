"""What turns used is counted once, where they began, whatever happens on the way."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import Answer, error, lost, recorded
from chat_testing.metered_users import ALICE, BOB, Counted, admitted
from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store.bulk import Bulk, key_of
from chatkit_aws.usage import Admission, Limits, Meter, QuotaReached, Totals, Turn, Usage

LIMITS = Limits(100, 5, 10_000, 100_000, reserved_tokens=1_000)
USED = Usage(input=300, output=50, cached=200, reasoning=20, requests=2)
TODAY = date(2026, 11, 22)
DAY = 86_400

type Maybe = Callable[[AWSPreparedRequest], AWSResponse | None]
"""Answers, or lets the request through."""


@pytest.fixture
def counted(table_name: str, dynamodb: DynamoDBClient) -> Counted:
    return Counted(table_name, dynamodb)


@pytest.fixture
def meter(counted: Counted) -> Meter:
    return counted.meter(LIMITS)


async def begun(meter: Meter, run_id: str = "run-1") -> Admission:
    return await meter.admit(ALICE, run_id, meter.table.writes.now + 60)


def about(prefix: str, answer: Answer | Maybe) -> Any:
    """Answers in place of AWS whatever is about a row whose sort key begins so, and nothing else."""

    def answers(request: AWSPreparedRequest) -> AWSResponse | None:
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        return answer(request) if f'"sk": {{"S": "{prefix}'.encode() in body else None

    return answers


async def turns(counted: Counted, since: str = "") -> list[Turn]:
    return [turn async for page in counted.report.turns(ALICE, since) for turn in page]


async def test_settled_turn_is_counted_for_user_and_tenant_and_on_record(counted: Counted, meter: Meter) -> None:
    await (await begun(meter)).settle(USED, 42, "gpt-5")
    totals = Totals(USED, cost=42, turns=1, taken=350)
    assert await counted.report.user_day(ALICE, TODAY) == totals
    assert await counted.report.tenant_month("tenant-1", TODAY) == totals
    began_at = datetime(2026, 11, 22, tzinfo=UTC)
    assert await turns(counted) == [Turn("run-1", began_at, "gpt-5", USED, 42)]
    assert counted.numbers("SLT#", "running") == [0]
    assert counted.numbers("MIN#", "requests") == [1]


async def test_turns_of_a_day_and_a_month_add_up(counted: Counted, meter: Meter) -> None:
    for number in range(3):
        await (await begun(meter, f"run-{number}")).settle(USED, 7, "gpt-5")
        counted.clock.now += DAY
    bob = await meter.admit(BOB, "run-1", counted.now + 60)
    await bob.settle(USED, 7)
    days = await counted.report.user_days(ALICE, TODAY)
    assert days == {date(2026, 11, day): Totals(USED, 7, 1, 350) for day in (22, 23, 24)}
    month = await counted.report.tenant_month("tenant-1", TODAY)
    assert month == Totals(USED + USED + USED + USED, cost=28, turns=4, taken=1_400)
    assert [turn.run_id for turn in await turns(counted, "2026-11-23")] == ["run-1"]


async def test_nothing_was_used_where_nobody_began(counted: Counted) -> None:
    nothing = Totals(Usage(), cost=0, turns=0, taken=0)
    assert await counted.report.user_day(ALICE, TODAY) == nothing
    assert await counted.report.tenant_month("tenant-1", TODAY) == nothing
    assert (await counted.report.user_days(ALICE, TODAY), await turns(counted)) == ({}, [])


async def test_model_without_a_price_is_counted_without_a_cost(counted: Counted, meter: Meter) -> None:
    await (await begun(meter)).settle(USED)
    [turn] = await turns(counted)
    assert (turn.model, turn.cost) == (None, None)
    assert (await counted.report.user_day(ALICE, TODAY)).cost == 0


async def test_turn_is_settled_once_also_if_it_is_asked_twice_at_once(counted: Counted, meter: Meter) -> None:
    admission = await begun(meter)
    await asyncio.gather(admission.settle(USED, 1), admission.settle(USED, 1))
    await admission.settle(Usage(input=9_999), 9)
    assert await counted.report.user_day(ALICE, TODAY) == Totals(USED, 1, 1, 350)


async def test_turn_that_does_not_begin_gives_all_back_once(counted: Counted, meter: Meter) -> None:
    admission = await begun(meter)
    await asyncio.gather(admission.give_back(), admission.give_back())
    await admission.settle(USED, 1)
    assert (counted.numbers("MIN#", "requests"), counted.numbers("SLT#", "running")) == ([0], [0])
    assert (counted.numbers("DAY#", "tokens_taken"), counted.numbers("MON#", "tokens_taken")) == ([0], [0])
    assert await turns(counted) == []


async def test_50_turns_settled_at_once_are_all_counted(counted: Counted) -> None:
    meter = counted.meter(Limits(0, 100, 100_000, 100_000, reserved_tokens=1_000))
    admissions = await admitted(meter, [ALICE] * 50, counted.now + 60)
    await asyncio.gather(*(admission.settle(Usage(1, 2, 3, 4, 5), 6, "m") for admission in admissions))
    totals = Totals(Usage(50, 100, 150, 200, 250), cost=300, turns=50, taken=150)
    assert await counted.report.user_day(ALICE, TODAY) == totals
    assert await counted.report.tenant_month("tenant-1", TODAY) == totals
    assert len(await turns(counted)) == 50


async def test_turn_over_midnight_goes_back_to_the_day_it_came_from(counted: Counted, meter: Meter) -> None:
    admission = await begun(meter)
    counted.clock.now += DAY
    await begun(meter, "run-2")
    await admission.settle(USED, 1)
    days = await counted.report.user_days(ALICE, TODAY)
    assert {day.day: totals.taken for day, totals in days.items()} == {22: 350, 23: 1_000}
    [turn] = await turns(counted)
    assert turn.began_at.day == 22


async def test_turn_that_took_more_than_reserved_leaves_less_than_nothing(counted: Counted, meter: Meter) -> None:
    await (await begun(meter)).settle(Usage(output=20_000))
    with pytest.raises(QuotaReached, match="tokens_day"):
        await begun(meter, "run-2")


async def test_settling_counts_also_where_the_quota_is_reached(counted: Counted) -> None:
    meter = counted.meter(Limits(1, 1, 1_000, 1_000, reserved_tokens=1_000))
    admission = await begun(meter)
    await admission.settle(Usage(output=5_000))
    assert (await counted.report.user_day(ALICE, TODAY)).taken == 5_000


async def test_turn_of_a_killed_process_stays_reserved(counted: Counted, meter: Meter) -> None:
    await begun(meter)
    counted.clock.now += 3_600
    assert (await counted.report.user_day(ALICE, TODAY)).taken == 1_000


async def test_rows_expire_some_time_after_their_window(counted: Counted) -> None:
    meter = counted.meter(LIMITS, keep_days=10)
    await (await begun(meter)).settle(USED)
    expiries = {key.partition("#")[0]: row["expires_at"] - counted.now for key, row in counted.rows().items()}
    assert expiries == {
        "MIN": 60 + 3_600,
        "SLT": 60 + DAY,
        "DAY": DAY + 10 * DAY,
        "MON": 9 * DAY + 10 * DAY,
        "TRN": 10 * DAY,
    }
    counted.clock.now += 10 * DAY
    assert await turns(counted) == []


async def test_quotas_alone_leave_no_usage(counted: Counted) -> None:
    meter = counted.meter(LIMITS, is_counted=False)
    await (await begun(meter)).settle(USED, 1, "gpt-5")
    rows = counted.rows()
    assert sorted(key[:4] for key in rows) == ["DAY#", "MIN#", "MON#", "SLT#"]
    assert rows["DAY#2026-11-22"] == {"tokens_taken": 350, "expires_at": counted.now + 3 * DAY}


async def test_usage_alone_is_counted_with_no_request_before_the_turn(counted: Counted) -> None:
    with recorded(counted.dynamodb) as calls:
        admission = await begun(counted.meter(Limits(reserved_tokens=1_000)))
        assert calls.operations == []
        await admission.settle(USED, 1)
    assert await counted.report.user_day(ALICE, TODAY) == Totals(USED, 1, 1, 350)
    assert calls.operations == ["UpdateItem"] * 3


async def test_rows_hold_nothing_but_figures(counted: Counted, meter: Meter) -> None:
    await (await begun(meter)).settle(USED, 1, "gpt-5")
    day = counted.rows()["DAY#2026-11-22"]
    assert all(isinstance(value, int) for value in day.values())
    assert counted.rows()["TRN#2026-11-22T00:00:00.000000#run-1"]["model_name"] == "gpt-5"


@pytest.mark.parametrize("prefix", ["MIN#", "SLT#", "DAY#", "MON#"])
async def test_taking_whose_answer_is_lost_counts_once(counted: Counted, meter: Meter, prefix: str) -> None:
    first = threading.Event()

    def once(request: AWSPreparedRequest) -> AWSResponse | None:
        if first.is_set():
            return None
        first.set()
        return lost(request)

    with recorded(counted.dynamodb, "UpdateItem", *[about(prefix, once)] * 9) as calls:
        admission = await begun(meter)
    assert len(calls.operations) > 4
    assert counted.numbers("MIN#", "requests") == counted.numbers("SLT#", "running") == [1]
    assert counted.numbers("DAY#", "tokens_taken") == counted.numbers("MON#", "tokens_taken") == [1_000]
    await admission.settle(Usage())


@pytest.mark.parametrize("prefix", ["SLT#", "DAY#", "MON#", "TRN#"])
async def test_settling_whose_answer_is_lost_counts_once(counted: Counted, meter: Meter, prefix: str) -> None:
    admission, first = await begun(meter), threading.Event()

    def once(request: AWSPreparedRequest) -> AWSResponse | None:
        if first.is_set():
            return None
        first.set()
        return lost(request)

    with recorded(counted.dynamodb, "UpdateItem", *[about(prefix, once)] * 9) as calls:
        await admission.settle(USED, 5, "gpt-5")
    assert len(calls.operations) == 5
    totals = Totals(USED, 5, 1, 350)
    assert await counted.report.user_day(ALICE, TODAY) == totals
    assert await counted.report.tenant_month("tenant-1", TODAY) == totals
    assert (counted.numbers("SLT#", "running"), len(await turns(counted))) == ([0], 1)


@pytest.mark.parametrize("prefix", ["MIN#", "SLT#", "DAY#", "MON#"])
async def test_store_that_refuses_one_part_gets_the_others_back(counted: Counted, meter: Meter, prefix: str) -> None:
    refused = about(prefix, error("AccessDeniedException"))
    with recorded(counted.dynamodb, "UpdateItem", *[refused] * 9), pytest.raises(StoreRefused):
        await begun(meter)
    assert sum(counted.numbers("", "requests")) == sum(counted.numbers("", "running")) == 0
    assert sum(counted.numbers("", "tokens_taken")) == 0


async def test_what_cannot_be_given_back_stays_counted_and_the_quota_is_told(
    counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    meter = counted.meter(Limits(concurrent_runs=1, tokens_per_day=9_000, reserved_tokens=1_000))
    await begun(meter)
    # The two that take come first; then the third, which would give back, is refused.
    third: list[Any] = [lambda _request: None] * 2
    with recorded(counted.dynamodb, "UpdateItem", *third, error("AccessDeniedException")), pytest.raises(QuotaReached):
        await begun(meter, "run-2")
    assert counted.numbers("DAY#", "tokens_taken") == [2_000]
    assert "kind=tokens_day error=StoreRefused | a quota was not given back" in caplog.text


async def test_settling_that_fails_in_part_does_the_rest_and_raises(counted: Counted, meter: Meter) -> None:
    admission = await begun(meter)
    failing = about("DAY#", error("InternalServerError", 500))
    with recorded(counted.dynamodb, "UpdateItem", *[failing] * 20), pytest.raises(StoreUnavailable):
        await admission.settle(USED, 5)
    assert counted.numbers("SLT#", "running") == [0]
    assert counted.numbers("DAY#", "tokens_taken") == [1_000]
    assert (await counted.report.tenant_month("tenant-1", TODAY)).taken == 350


async def test_admission_that_is_cancelled_takes_nothing(counted: Counted, meter: Meter) -> None:
    is_sent, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_request: AWSPreparedRequest) -> None:
        loop.call_soon_threadsafe(is_sent.set)
        assert may_go_on.wait(10)

    with recorded(counted.dynamodb, "UpdateItem", *[hold] * 4):
        admitting = asyncio.create_task(begun(meter))
        await is_sent.wait()
        admitting.cancel()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await admitting
    assert (counted.numbers("MIN#", "requests"), counted.numbers("SLT#", "running")) == ([0], [0])
    assert (counted.numbers("DAY#", "tokens_taken"), counted.numbers("MON#", "tokens_taken")) == ([0], [0])


async def test_settling_goes_on_where_the_caller_is_cancelled(counted: Counted, meter: Meter) -> None:
    admission, is_sent, may_go_on = await begun(meter), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_request: AWSPreparedRequest) -> None:
        loop.call_soon_threadsafe(is_sent.set)
        assert may_go_on.wait(10)

    with recorded(counted.dynamodb, "UpdateItem", *[hold] * 3):
        settling = asyncio.create_task(admission.settle(USED, 5))
        await is_sent.wait()
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
        may_go_on.set()
        await admission.settle(Usage())
    assert await counted.report.user_day(ALICE, TODAY) == Totals(USED, 5, 1, 350)
    assert len(await turns(counted)) == 1


async def test_user_who_is_erased_during_a_turn_stays_erased(counted: Counted, meter: Meter) -> None:
    admission, bulk = await begun(meter), Bulk(counted.name, counted.dynamodb)
    async for page in bulk.rows(ALICE.partition):
        assert {row["sk"]["S"][:4] for row in page} == {"MIN#", "SLT#", "DAY#"}
        await bulk.delete(map(key_of, page))
    await admission.settle(USED, 5, "gpt-5")
    assert [key[:4] for key in counted.rows()] == ["MON#"]
    assert (await counted.report.tenant_month("tenant-1", TODAY)).taken == 350
