"""A turn that was let through: what it took, until it is known what it used."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.usage.errors import QuotaReached

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chatkit_aws.usage.limits import Level
    from chatkit_aws.usage.quotas import Quota, RunQuota
    from chatkit_aws.usage.turns import TurnRow
    from chatkit_aws.usage.usage import Usage

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Admission:
    """What `Meter.admit` gives; settle it at the end of the turn, however it ends.

    A turn that is never settled, since its process was killed, frees its place when its time is over; what it reserved
    stays counted until the day and the month are over.
    """

    day: Quota | None
    others: Sequence[Quota]
    run: RunQuota | None
    turn: TurnRow | None
    _settling: asyncio.Task[list[BaseException]] | None = field(default=None, init=False, repr=False)

    @property
    def near(self) -> list[Level]:
        """The quotas of which 80 % or more are taken, as was seen when this was admitted, or after it was settled."""
        return [quota.level for quota in self._quotas if quota.level is not None and quota.level.is_near]

    async def renew(self, until: int) -> bool:
        """Move the end of the turn's place, in seconds since the epoch.

        False where its time was over and others have taken its place. Raises StoreUnavailable, StoreRefused.
        """
        return self.run is None or await self.run.slots.move(self.run.run_id, until)

    async def settle(self, usage: Usage, cost: int | None = None, model: str | None = None) -> None:
        """Replace the reservation by what was used, free the place, and write the turn's row; once for this object.

        `cost` is in millionths of a dollar; without one the usage is counted, and no cost. It is carried out even
        where the caller is cancelled. Raises StoreUnavailable, StoreRefused when all that could be done is done; what
        was not stays counted as it was reserved.
        """
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle(usage, cost, model))
        if failed := await asyncio.shield(self._settling):
            raise failed[0]

    async def take(self) -> None:
        """Take all quotas at once; for `Meter`. If one refuses the others are given back. Raises QuotaReached.

        Of several that refuse the one is raised that does so for the longest time.
        """
        outcomes = await asyncio.gather(*(quota.take() for quota in self._quotas), return_exceptions=True)
        failed = _errors(outcomes)
        if not failed:
            return
        taken = [quota for quota, outcome in zip(self._quotas, outcomes, strict=True) if outcome is None]
        await self._give_back(taken)
        refused = [error for error in failed if isinstance(error, QuotaReached)]
        raise max(refused, key=lambda error: error.resets_at) if refused else failed[0]

    async def give_back(self) -> None:
        """Give all back, for a turn that does not begin; for `Meter`. What cannot be given back stays counted."""
        await self._give_back(self._quotas)

    @property
    def _quotas(self) -> list[Quota]:
        """All of them."""
        first = (quota for quota in (self.day, self.run) if quota is not None)
        return [*first, *self.others]

    async def _give_back(self, quotas: Sequence[Quota]) -> None:
        outcomes = await asyncio.gather(*(quota.give_back() for quota in quotas), return_exceptions=True)
        for quota, outcome in zip(quotas, outcomes, strict=True):
            if isinstance(outcome, ChatKitAwsError):
                _log.warning("kind=%s error=%s | a quota was not given back", quota.kind, type(outcome).__name__)
            elif outcome is not None:
                raise outcome

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
