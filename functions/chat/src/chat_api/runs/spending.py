"""What one turn may take, and what it has taken."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.runs.run_row import LEASE_SECONDS
from chatkit_aws.usage import Admission, Level, Prices, Usage

logger = logging.getLogger(__name__)

_SHOWN = ("tokens_day", "tokens_month")
"""Quotas of which a user is told that they come near: the others are back in a minute."""


@dataclass(slots=True)
class Spending:
    """One turn's account. `model` is the model that answers, if one does; `has_begun` where the turn was let in."""

    prices: Prices
    admission: Admission | None = None
    model: str | None = None
    has_begun: bool = False
    by_model: dict[str, Usage] = field(default_factory=dict)
    followed: list[tuple[str, Callable[[], Usage]]] = field(default_factory=list)

    def add(self, model: str, usage: Usage) -> None:
        """Take note of what a model used, whether it answered or did something beside."""
        self.by_model[model] = self.by_model.get(model, Usage()) + usage

    def follow(self, model: str, usage: Callable[[], Usage]) -> None:
        """Have `usage` tell, whenever it is asked, what a model has used up to then: for what ends when it likes."""
        self.followed.append((model, usage))

    @property
    def usage(self) -> Usage:
        """What all models used together."""
        return sum((usage for _, usage in self._used()), Usage())

    @property
    def cost(self) -> int | None:
        """What they cost in millionths of a dollar, without those that have no price; None where none has one."""
        costs = [self.prices.cost(model, usage) for model, usage in self._used()]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if known else None

    def _used(self) -> list[tuple[str, Usage]]:
        return [*self.by_model.items(), *((model, usage()) for model, usage in self.followed)]

    @property
    def near(self) -> list[Level]:
        """The budgets that come near their end."""
        return [level for level in (self.admission.near if self.admission else ()) if level.kind in _SHOWN]

    async def renew(self) -> None:
        """Keep the turn's place among the user's turns for another while. Raises StoreUnavailable, StoreRefused."""
        if self.admission is not None:
            await self.admission.renew(int(time.time()) + LEASE_SECONDS)

    async def settle(self) -> None:
        """Count what was used in place of what was reserved. Raises nothing: the turn is over."""
        if self.admission is None:
            return
        try:
            if not self.has_begun:
                await self.admission.give_back()
            else:
                await self.admission.settle(self.usage, self.cost, self.model)
        except ChatKitAwsError as error:
            logger.warning("what a turn used was not counted, its reservation stays: %s", error)
