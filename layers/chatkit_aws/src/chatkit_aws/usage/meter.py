"""Lets turns through as long as there is something left, and counts what they use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.store.retention import DAY
from chatkit_aws.usage import windows
from chatkit_aws.usage.admission import Admission
from chatkit_aws.usage.counters import Counter, Mark
from chatkit_aws.usage.quotas import RequestQuota, RunQuota, TokenQuota
from chatkit_aws.usage.slots import Slots
from chatkit_aws.usage.turns import TurnRow

if TYPE_CHECKING:
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.store.table import Table
    from chatkit_aws.usage.kind import Kind
    from chatkit_aws.usage.limits import Limits
    from chatkit_aws.usage.quotas import Quota
    from chatkit_aws.usage.windows import Window

KEEP_DAYS = 400
"""How long usage is kept where nothing else is said: a year, and time to ask about it."""
_HOUR = 60 * 60
_UNCOUNTED = 2 * DAY
"""How long a day or month that holds nothing but a quota stays after its end: longer than a turn takes."""


@dataclass(frozen=True, slots=True)
class Meter:
    """The quotas and counters of all tenants and users; windows are minutes, days and months of UTC.

    Without `is_counted` only quotas are kept, and no usage. `keep_days` is how long usage is kept after the turn, the
    day, or the month. What has no limit and is not counted makes no request.
    """

    table: Table
    limits: Limits
    is_counted: bool = True
    keep_days: int = KEEP_DAYS

    async def admit(self, owner: Owner, run_id: str, until: int) -> Admission:
        """Take a request of the minute, a place until then, and tokens of the user's day and the tenant's month.

        All at once; if one refuses, or the caller is cancelled, the others are given back. `until` is in seconds since
        the epoch, less than a day ahead: when the place is free again if the turn is not settled until then.
        `run_id` names the turn, and is to be another for each. Raises QuotaReached, InvalidId, StoreUnavailable,
        StoreRefused.
        """
        admission = self._admission(owner, run_id, until)
        taking = asyncio.create_task(admission.take())
        try:
            await asyncio.wait([taking])
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(_undo(taking, admission)))
            raise
        taking.result()
        return admission

    def _admission(self, owner: Owner, run_id: str, until: int) -> Admission:
        now, limits, mark = self.table.writes.now, self.limits, Mark()
        turn = windows.turn(owner, now, run_id)
        day, month = windows.day(owner, now), windows.month(owner.tenant_id, now)
        others: list[Quota] = []
        if limits.requests_per_minute:
            minute = Counter(self.table, windows.minute(owner, now), _HOUR)
            others.append(RequestQuota(minute, mark, limits.requests_per_minute))
        if limits.tenant_tokens_per_month or self.is_counted:
            others.append(self._tokens("tokens_month", month, mark, limits.tenant_tokens_per_month))
        slots = Slots(self.table, windows.slots(owner), limits.concurrent_runs)
        return Admission(
            day=self._tokens("tokens_day", day, mark, limits.tokens_per_day)
            if limits.tokens_per_day or self.is_counted
            else None,
            others=others,
            run=RunQuota(slots, run_id, until) if limits.concurrent_runs else None,
            turn=TurnRow(self.table, turn, now + self.keep_days * DAY) if self.is_counted else None,
        )

    def _tokens(self, kind: Kind, window: Window, mark: Mark, limit: int) -> TokenQuota:
        keep = self.keep_days * DAY if self.is_counted else _UNCOUNTED
        reserved = self.limits.reserved_tokens
        return TokenQuota(kind, Counter(self.table, window, keep), mark, limit, reserved, self.is_counted)


async def _undo(taking: asyncio.Task[None], admission: Admission) -> None:
    """Give back what is being taken, once it is."""
    await asyncio.wait([taking])
    if taking.exception() is None:
        await admission.give_back()
