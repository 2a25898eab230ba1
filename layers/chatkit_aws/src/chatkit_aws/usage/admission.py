"""A turn that was let through: what it took, until it is known what it used."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.usage.errors import QuotaReached

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from chatkit_aws.usage.limits import Level
    from chatkit_aws.usage.quotas import Quota, RunQuota
    from chatkit_aws.usage.turns import TurnRow
    from chatkit_aws.usage.usage import Usage

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Admission:
    """What `Meter.admit` gives; settle it at the end of the turn, however it ends, or give it back if none begins.

    A turn that is never settled, since its process was killed, frees its place when its time is over; what it reserved
    stays counted until the day and the month are over.
    """

    day: Quota | None
    others: Sequence[Quota]
    run: RunQuota | None
    turn: TurnRow | None
    _ending: asyncio.Task[list[BaseException]] | None = field(default=None, init=False, repr=False)

    @property
    def near(self) -> list[Level]:
        """The quotas of which 80 % or more are taken, as was seen when this was admitted, or after it was settled."""
        return [quota.level for quota in self._quotas if quota.level is not None and quota.level.is_near]

    async def renew(self, until: int) -> bool:
        """Move the end of the turn's place, in seconds since the epoch.

        False where its time was over and others have taken its place, or where it is settled. Raises StoreUnavailable,
        StoreRefused.
        """
        return self.run is None or await self.run.renew(until)

    async def settle(self, usage: Usage, cost: int | None = None, model: str | None = None) -> None:
        """Replace the reservation by what was used, free the place, and write the turn's row.

        Only the first of all calls of this and `give_back` does anything, even where its caller is cancelled; the
        others wait for it. `cost` is in millionths of a dollar; without one the usage is counted, and no cost.
        Raises StoreUnavailable, StoreRefused when all that could be done is done; the rest stays as it was reserved.
        """
        await self._end(lambda: self._settle(usage, cost, model))

    async def give_back(self) -> None:
        """Give all back that was taken, also the request of the minute, for a turn that does not begin after all.

        What cannot be given back stays counted; the log says so.
        """
        await self._end(lambda: self._give_back(self._quotas))

    async def take(self) -> None:
        """Take all quotas at once; for `Meter`. If one refuses the others are given back. Raises QuotaReached.

        Of several that refuse the one is raised that does so for the longest time.
        """
        outcomes = await asyncio.gather(*(quota.take() for quota in self._quotas), return_exceptions=True)
        failed = _errors(outcomes)
        if not failed:
            return
        taken = [quota for quota, outcome in zip(self._quotas, outcomes, strict=True) if outcome is None]
        failed += await self._give_back(taken)
        refused = [error for error in failed if isinstance(error, QuotaReached)]
        raise max(refused, key=lambda error: error.resets_at) if refused else failed[0]

    @property
    def _quotas(self) -> list[Quota]:
        """All of them."""
        first = (quota for quota in (self.day, self.run) if quota is not None)
        return [*first, *self.others]

    async def _end(self, work: Callable[[], Coroutine[Any, Any, list[BaseException]]]) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(work())
        if failed := await asyncio.shield(self._ending):
            raise failed[0]

    async def _give_back(self, quotas: Sequence[Quota]) -> list[BaseException]:
        """Whatever failed but for the store, whose failures are logged."""
        outcomes = await asyncio.gather(*(quota.give_back() for quota in quotas), return_exceptions=True)
        for quota, outcome in zip(quotas, outcomes, strict=True):
            if isinstance(outcome, ChatKitAwsError):
                _log.warning("kind=%s error=%s | a quota was not given back", quota.kind, type(outcome).__name__)
        return [error for error in _errors(outcomes) if not isinstance(error, ChatKitAwsError)]

    async def _settle(self, usage: Usage, cost: int | None, model: str | None) -> list[BaseException]:
        """Whatever failed."""
        others = [quota for quota in self._quotas if quota is not self.day]
        work = [quota.settle(usage, cost) for quota in others]
        return _errors(
            await asyncio.gather(self._settle_day(usage, cost, model), *work, return_exceptions=True),
        )

    async def _settle_day(self, usage: Usage, cost: int | None, model: str | None) -> None:
        """The day, and then the turn's row: without the first, the user was erased and nothing is to come back."""
        is_there = self.day is None or await self.day.settle(usage, cost)
        if is_there and self.turn is not None:
            await self.turn.write(usage, cost, model)


def _errors(outcomes: Iterable[object]) -> list[BaseException]:
    return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
