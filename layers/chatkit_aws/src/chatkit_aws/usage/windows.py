"""Minutes, days and months in UTC: where each is counted and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chatkit_aws.store.keys import Key, by_time, escape

if TYPE_CHECKING:
    from datetime import date

    from chatkit_aws.store.keys import Owner

MINUTE = "MIN#"
"""Requests of a user's minute; these five are sort keys' beginnings, the first four in the user's partition."""
SLOTS = "SLT#"
"""A user's running turns."""
DAY = "DAY#"
"""What a user took in a day."""
TURN = "TRN#"
"""What one turn of a user's used."""
MONTH = "MON#"
"""What a tenant took in a month, in the tenant's own partition."""

_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Window:
    """A row that counts for a time, which ends at `ends_at`, in seconds since the epoch."""

    key: Key
    ends_at: int


def minute(owner: Owner, now: int) -> Window:
    """The minute of `now`."""
    start = _utc(now).replace(second=0)
    return Window(Key(owner.partition, f"{MINUTE}{start:%Y-%m-%dT%H:%M}"), _epoch(start + timedelta(minutes=1)))


def day(owner: Owner, now: int) -> Window:
    """The day of `now`."""
    start = _utc(now).replace(hour=0, minute=0, second=0)
    return Window(Key(owner.partition, f"{DAY}{start:%Y-%m-%d}"), _epoch(start + timedelta(days=1)))


def month(tenant_id: str, now: int) -> Window:
    """The month of `now`. Raises InvalidId."""
    start = _utc(now).replace(day=1, hour=0, minute=0, second=0)
    is_last = start.month == _DECEMBER
    end = start.replace(year=start.year + is_last, month=1 if is_last else start.month + 1)
    return Window(month_key(tenant_id, start), _epoch(end))


def month_key(tenant_id: str, moment: date) -> Key:
    """A tenant's month: no user's row, so it stays when a user is erased. Raises InvalidId."""
    return Key(f"TEN#{escape(tenant_id)}#{MONTH}", f"{MONTH}{moment:%Y-%m}")


def slots(owner: Owner) -> Key:
    """The user's running turns."""
    return Key(owner.partition, SLOTS)


def turn(owner: Owner, began_at: int, run_id: str) -> Key:
    """A turn: in the order of time. Raises InvalidId."""
    return Key(owner.partition, by_time(TURN, _utc(began_at), run_id))


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
