"""What one turn may take, and what it has taken."""

import logging
import time
from dataclasses import dataclass, field

from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.runs.leases import LEASE_SECONDS
from chatkit_aws.usage import Admission, Level, Prices, Usage

logger = logging.getLogger(__name__)

_SHOWN = ("tokens_day", "tokens_month")
"""Quotas of which a user is told that they come near: the others are back in a minute."""


@dataclass(slots=True)
class Spending:
    """One turn's account. `model` is the model that was asked; without one the turn did not begin."""

    prices: Prices
    admission: Admission | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)

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
            if self.model is None:
                await self.admission.give_back()
            else:
                cost = self.prices.cost(self.model, self.usage)
                await self.admission.settle(self.usage, cost, self.model)
        except ChatKitAwsError as error:
            logger.warning("what a turn used was not counted, its reservation stays: %s", error)
