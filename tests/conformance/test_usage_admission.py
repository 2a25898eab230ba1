"""As many turns are let through as there is something left for, exactly, whoever asks at the same time."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import batched

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import recorded
from chat_testing.metered_users import ALICE, BOB, Counted, admitted
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.errors import InvalidId
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Kind, Level, Limits, QuotaReached, Usage

PLENTY = Limits(
    requests_per_minute=1_000,
    concurrent_runs=100,
    tokens_per_day=1_000_000,
    tenant_tokens_per_month=1_000_000,
    reserved_tokens=100,
)
TEN: dict[Kind, Limits] = {
    "requests": replace(PLENTY, requests_per_minute=10),
    "runs": replace(PLENTY, concurrent_runs=10),
    "tokens_day": replace(PLENTY, tokens_per_day=1_099),
    "tokens_month": replace(PLENTY, tenant_tokens_per_month=1_099),
}
"""Enough for ten turns and one token less than for eleven, by what is scarce."""
COLLEAGUES = [Owner.of("tenant-1", f"user-{number}") for number in range(50)]


@pytest.fixture
def counted(table_name: str, dynamodb: DynamoDBClient) -> Counted:
    return Counted(table_name, dynamodb)


def askers(kind: Kind) -> Sequence[Owner]:
    """Fifty who share the quota."""
    return COLLEAGUES if kind == "tokens_month" else [ALICE] * 50


@pytest.mark.parametrize("kind", TEN)
@pytest.mark.parametrize("is_counted", [True, False])
async def test_of_50_at_once_10_are_let_through_and_the_others_take_nothing(
    counted: Counted, kind: Kind, is_counted: bool
) -> None:
    meter = counted.meter(TEN[kind], is_counted=is_counted)
    assert len(await admitted(meter, askers(kind), counted.now + 60)) == 10
    assert sum(counted.numbers("MIN#", "requests")) == 10
    assert sum(counted.numbers("SLT#", "running")) == 10
    assert sum(counted.numbers("DAY#", "tokens_taken")) == 1_000
    assert counted.numbers("MON#", "tokens_taken") == [1_000]


@pytest.mark.parametrize("kind", TEN)
def test_of_50_in_several_threads_10_are_let_through(counted: Counted, dynamodb_endpoint: str, kind: Kind) -> None:
    """Each thread has an event loop, a client and a meter of its own, as a process has."""

    def ask(part: tuple[int, tuple[Owner, ...]]) -> int:
        number, owners = part
        meter = replace(counted, dynamodb=dynamodb_client(dynamodb_endpoint)).meter(TEN[kind])
        return len(asyncio.run(admitted(meter, owners, counted.now + 60, f"run-{number}")))

    with ThreadPoolExecutor(5) as threads:
        assert sum(threads.map(ask, enumerate(batched(askers(kind), 10, strict=True)))) == 10


@pytest.mark.parametrize("kind", TEN)
async def test_what_one_turn_gives_back_the_next_may_have(counted: Counted, kind: Kind) -> None:
    meter = counted.meter(TEN[kind])
    ten = await admitted(meter, askers(kind), counted.now + 60)
    await ten[0].give_back()
    assert len(await admitted(meter, askers(kind), counted.now + 60, "second")) == 1


@pytest.mark.parametrize(
    ("kind", "resets_at"),
    [
        ("requests", "2026-11-22T00:01:00Z"),
        ("runs", "2026-11-22T00:00:50Z"),
        ("tokens_day", "2026-11-23T00:00:00Z"),
        ("tokens_month", "2026-12-01T00:00:00Z"),
    ],
)
async def test_refusal_says_which_quota_and_when_it_resets(counted: Counted, kind: Kind, resets_at: str) -> None:
    meter = counted.meter(TEN[kind])
    for number in range(10):
        await meter.admit(ALICE, f"run-{number}", counted.now + 50 + number)
    with pytest.raises(QuotaReached) as refused:
        await meter.admit(ALICE, "one more", counted.now + 60)
    assert refused.value.kind == kind
    assert str(refused.value) == f"the quota of {kind} is reached until {resets_at}"


async def test_of_several_that_refuse_the_one_is_told_that_does_longest(counted: Counted) -> None:
    meter = counted.meter(Limits(1, 1, 100, 100, reserved_tokens=100))
    await meter.admit(ALICE, "run-1", counted.now + 60)
    with pytest.raises(QuotaReached, match="tokens_month"):
        await meter.admit(ALICE, "run-2", counted.now + 60)


async def test_others_of_the_tenant_have_quotas_of_their_own_and_share_the_month(counted: Counted) -> None:
    meter = counted.meter(Limits(1, 1, 100, 200, reserved_tokens=100))
    await meter.admit(ALICE, "run-1", counted.now + 60)
    await meter.admit(BOB, "run-1", counted.now + 60)
    with pytest.raises(QuotaReached, match="tokens_month"):
        await meter.admit(Owner.of("tenant-1", "carol"), "run-1", counted.now + 60)
    await meter.admit(Owner.of("tenant-2", "alice"), "run-1", counted.now + 60)


@pytest.mark.parametrize(
    ("kind", "seconds"), [("requests", 60), ("runs", 60), ("tokens_day", 86_400), ("tokens_month", 9 * 86_400)]
)
async def test_next_window_begins_anew(counted: Counted, kind: Kind, seconds: int) -> None:
    meter = counted.meter(TEN[kind])
    assert len(await admitted(meter, askers(kind), counted.now + 60)) == 10
    counted.clock.now += seconds
    assert len(await admitted(meter, askers(kind), counted.now + 60, "later")) == 10


async def test_turn_begins_where_one_token_is_left_if_nothing_is_reserved(counted: Counted) -> None:
    meter = counted.meter(Limits(tokens_per_day=100))
    first = await meter.admit(ALICE, "run-1", counted.now + 60)
    await first.settle(Usage(input=99))
    second = await meter.admit(ALICE, "run-2", counted.now + 60)
    await second.settle(Usage(input=1))
    with pytest.raises(QuotaReached, match="tokens_day"):
        await meter.admit(ALICE, "run-3", counted.now + 60)


async def test_quotas_of_which_80_percent_are_taken_are_told(counted: Counted) -> None:
    meter = counted.meter(Limits(5, 10, 1_000, 2_000, reserved_tokens=200))
    admissions = [await meter.admit(ALICE, f"run-{number}", counted.now + 60 + number) for number in range(4)]
    assert [admission.near for admission in admissions[:3]] == [[], [], []]
    assert admissions[3].near == [
        Level("tokens_day", 800, 1_000, counted.now + 86_400),
        Level("requests", 4, 5, counted.now + 60),
    ]
    for number in range(4, 8):
        counted.clock.now += 30
        await admissions[number - 4].settle(Usage(input=1))
        admissions.append(await meter.admit(ALICE, f"run-{number}", counted.now + 60))
    assert [level.kind for level in admissions[-1].near] == ["tokens_day"]


async def test_what_is_told_counts_only_turns_that_still_run(counted: Counted) -> None:
    meter = counted.meter(Limits(concurrent_runs=2), is_counted=False)
    await meter.admit(ALICE, "killed", counted.now + 30)
    counted.clock.now += 30
    assert (await meter.admit(ALICE, "run-2", counted.now + 60)).near == []
    third = await meter.admit(ALICE, "run-3", counted.now + 90)
    assert third.near == [Level("runs", 2, 2, counted.now + 60)]


async def test_settled_turn_tells_what_is_taken_now(counted: Counted) -> None:
    meter = counted.meter(Limits(tokens_per_day=1_000, reserved_tokens=100))
    admission = await meter.admit(ALICE, "run-1", counted.now + 60)
    assert admission.near == []
    await admission.settle(Usage(input=900))
    assert [level.used for level in admission.near] == [900]


async def test_what_has_no_limit_and_is_not_counted_makes_no_request(counted: Counted) -> None:
    with recorded(counted.dynamodb) as calls:
        admission = await counted.meter(Limits(), is_counted=False).admit(ALICE, "run-1", counted.now + 60)
        assert await admission.renew(counted.now + 120)
        await admission.settle(Usage(input=1), 1, "model")
    assert (calls.operations, admission.near) == ([], [])


@pytest.mark.parametrize("run_id", ["", "r" * 513, "\ud800"])
async def test_run_that_cannot_be_part_of_a_key_takes_nothing(counted: Counted, run_id: str) -> None:
    with recorded(counted.dynamodb) as calls, pytest.raises(InvalidId):
        await counted.meter(PLENTY).admit(ALICE, run_id, counted.now + 60)
    assert calls.operations == []
