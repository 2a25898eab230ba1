from datetime import UTC, date, datetime

import pytest

from chatkit_aws.errors import InvalidId
from chatkit_aws.store.keys import Key, Owner
from chatkit_aws.usage import windows

OWNER = Owner.of("acme", "alice")


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("now", "minute", "day", "month"),
    [
        ("2026-11-21T12:34:56", "2026-11-21T12:35:00", "2026-11-22", "2026-12-01"),
        ("2026-12-31T23:59:59", "2027-01-01T00:00:00", "2027-01-01", "2027-01-01"),
        ("2028-02-28T00:00:00", "2028-02-28T00:01:00", "2028-02-29", "2028-03-01"),
    ],
)
def test_windows_end_with_the_minute_day_and_month_of_utc(now: str, minute: str, day: str, month: str) -> None:
    moment = seconds(now)
    assert windows.minute(OWNER, moment).ends_at == seconds(minute)
    assert windows.day(OWNER, moment).ends_at == seconds(day)
    assert windows.month("acme", moment).ends_at == seconds(month)


def test_rows_of_a_user_are_in_the_user_s_partition_and_a_tenant_s_are_not() -> None:
    now = seconds("2026-11-21T12:34:56")
    assert windows.minute(OWNER, now).key == Key(OWNER.partition, "MIN#2026-11-21T12:34")
    assert windows.day(OWNER, now).key == Key(OWNER.partition, "DAY#2026-11-21")
    assert windows.slots(OWNER) == Key(OWNER.partition, "SLT#")
    assert windows.turn(OWNER, now, "r#1") == Key(OWNER.partition, "TRN#2026-11-21T12:34:56.000000#r%231")
    assert windows.month("acme", now).key == Key("TEN#acme#MON#", "MON#2026-11")
    assert windows.month_key("a#b", date(2026, 1, 31)) == Key("TEN#a%23b#MON#", "MON#2026-01")


def test_run_without_an_id_has_no_row() -> None:
    with pytest.raises(InvalidId):
        windows.turn(OWNER, 0, "")
