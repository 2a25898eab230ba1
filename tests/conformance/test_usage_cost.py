"""What counting a turn asks of the table: as many write units as docs/usage.md says, and no reads."""

from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.boto_calls import meeting
from chat_testing.capacity import KILOBYTE, size_of
from chat_testing.metered_users import Counted
from chat_testing.metering import metered
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Limits, QuotaReached, Usage

USER = Owner.of("acme-corporation", "3f0b6c1e-8a57-4c0e-9b0d-6a1f2e3d4c5b")
"""A name as Cognito gives it."""
RUN = "run_01KABCDEFGHJKMNPQRSTVWXYZ"
USED = Usage(input=123_456, output=7_890, cached=100_000, reasoning=4_321, requests=12)
ALL: dict[str, Any] = {
    "requests_per_minute": 20,
    "concurrent_runs": 20,
    "tokens_per_day": 10_000_000,
    "tenant_tokens_per_month": 1_000_000_000,
}
PARTS = [
    ({}, False, (0, 0)),
    ({"requests_per_minute": 20}, False, (1, 0)),
    ({"concurrent_runs": 3}, False, (1, 1)),
    ({"tokens_per_day": 10_000_000}, False, (1, 1)),
    ({"tenant_tokens_per_month": 1_000_000_000}, False, (1, 1)),
    ({}, True, (0, 3)),
    (ALL, False, (4, 3)),
    (ALL, True, (4, 4)),
]
"""What is on, and the write units before and after the turn."""


@pytest.fixture
def counted(table_name: str, dynamodb: DynamoDBClient) -> Counted:
    return Counted(table_name, dynamodb)


@pytest.fixture
def observer(dynamodb_endpoint: str) -> DynamoDBClient:
    """A client that nobody measures."""
    return dynamodb_client(dynamodb_endpoint)


@pytest.mark.parametrize(("limits", "is_counted", "units"), PARTS)
async def test_turn_takes_as_many_units_as_is_said(
    counted: Counted, observer: DynamoDBClient, limits: dict[str, Any], is_counted: bool, units: tuple[int, int]
) -> None:
    meter = counted.meter(Limits(**limits, reserved_tokens=8_000), is_counted=is_counted)
    for number in range(12):  # as full of marks as a row becomes
        with metered(counted.dynamodb, observer) as before:
            admission = await meter.admit(USER, f"{RUN}{number}", counted.now + 900)
        with metered(counted.dynamodb, observer) as after:
            await admission.settle(USED, 123_456_789, "gpt-5-mini-2026-11-21")
        assert (before.write_units, after.write_units) == units
        assert before.read_units == after.read_units == 0
        assert (len(before.requests), len(after.requests)) == units


async def test_requests_are_made_at_once_but_for_the_turn_s_row(counted: Counted) -> None:
    """None is answered before as many as there are have been sent."""
    meter = counted.meter(Limits(**ALL, reserved_tokens=8_000))
    with meeting(counted.dynamodb, "UpdateItem", 4) as before:
        admission = await meter.admit(USER, RUN, counted.now + 900)
    with meeting(counted.dynamodb, "UpdateItem", 3) as after:
        await admission.settle(USED, 1, "gpt-5")
    assert (len(before.operations), len(after.operations)) == (4, 4)


async def test_refused_turn_pays_for_asking_and_for_giving_back(counted: Counted, observer: DynamoDBClient) -> None:
    meter = counted.meter(Limits(**{**ALL, "requests_per_minute": 1}, reserved_tokens=8_000))
    await meter.admit(USER, f"{RUN}0", counted.now + 900)
    with metered(counted.dynamodb, observer) as meter_of_requests, pytest.raises(QuotaReached):
        await meter.admit(USER, f"{RUN}1", counted.now + 900)
    assert (meter_of_requests.write_units, meter_of_requests.failed) == (6, 1)


async def test_rows_of_a_busy_user_stay_below_a_kilobyte(counted: Counted) -> None:
    meter = counted.meter(Limits(**ALL, reserved_tokens=8_000))
    for number in range(40):
        admission = await meter.admit(USER, f"{RUN}{number:02}", counted.now + 900 + number)
        if number >= 15:
            await admission.settle(USED, 10**12, "gpt-5-mini-2026-11-21")
        if number % 15 == 0:
            counted.clock.now += 60
    rows = counted.dynamodb.scan(TableName=counted.name)["Items"]
    sizes = {row["sk"]["S"][:3]: size_of(row) for row in rows}
    assert max(sizes.values()) <= KILOBYTE, sizes
    assert sizes["MON"] < 500
