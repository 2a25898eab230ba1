"""What users and tenants used."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from chatkit_aws.usage import figures, turns, windows
from chatkit_aws.usage.figures import number, usage_of
from chatkit_aws.usage.turns import turn_of
from chatkit_aws.usage.usage import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from chatkit_aws.store.bulk import Bulk
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.usage.figures import Attributes
    from chatkit_aws.usage.turns import Turn

_EXPIRY = "expires_at"
_ATTRIBUTES = ("sk", _EXPIRY, figures.TAKEN, figures.TURNS, *figures.NAMES)


@dataclass(frozen=True, slots=True)
class Totals:
    """What turns used together; `cost` is in millionths of a dollar, without that of models that have no price.

    `taken` is what counts against the budget: tokens used, and reserved by turns that run or were killed.
    """

    usage: Usage
    cost: int
    turns: int
    taken: int


@dataclass(frozen=True, slots=True)
class Report:
    """Reads what `Meter` has counted and what has not expired; `clock` gives seconds since the epoch.

    All raise StoreUnavailable, StoreRefused and, for a tenant that cannot be part of a key, InvalidId.
    """

    bulk: Bulk
    clock: Callable[[], float] = time.time

    async def user_day(self, owner: Owner, day: date) -> Totals:
        """A user's day in UTC."""
        days = await self._days(owner, f"{windows.DAY}{day:%Y-%m-%d}")
        return days.get(date(day.year, day.month, day.day), _NOTHING)

    async def user_days(self, owner: Owner, month: date) -> dict[date, Totals]:
        """The days of a user's month on which there was anything, in order; any day names the month."""
        return await self._days(owner, f"{windows.DAY}{month:%Y-%m}-")

    async def tenant_month(self, tenant_id: str, month: date) -> Totals:
        """A tenant's month in UTC; any day names it."""
        key = windows.month_key(tenant_id, month)
        found = [row async for page in self._rows(key.pk, key.sk) for row in page]
        return _totals(found[0]) if found else _NOTHING

    async def turns(self, owner: Owner, since: str = "") -> AsyncIterator[list[Turn]]:
        """A user's turns in order, page by page; `since` is the beginning of their times: 2026-11, 2026-11-21."""
        async for page in self._rows(owner.partition, windows.TURN + since, (*turns.ATTRIBUTES, _EXPIRY)):
            yield [turn_of(row) for row in page]

    async def _days(self, owner: Owner, prefix: str) -> dict[date, Totals]:
        pages = self._rows(owner.partition, prefix)
        found = [row async for page in pages for row in page]
        return {_date(row): _totals(row) for row in found}

    async def _rows(
        self, pk: str, prefix: str, attributes: Sequence[str] = _ATTRIBUTES
    ) -> AsyncIterator[list[Attributes]]:
        """Pages of rows, none of them empty."""
        async for page in self.bulk.rows(pk, prefix, attributes=attributes):
            if live := [row for row in page if number(row, _EXPIRY) > self.clock()]:
                yield live


def _date(row: Attributes) -> date:
    return datetime.fromisoformat(row["sk"]["S"].removeprefix(windows.DAY)).date()


def _totals(row: Attributes) -> Totals:
    return Totals(usage_of(row), *(number(row, name) for name in (figures.COST, figures.TURNS, figures.TAKEN)))


_NOTHING = Totals(Usage(), 0, 0, 0)
