"""How much is allowed, and how near to it somebody is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from chatkit_aws.usage.errors import InvalidLimits

if TYPE_CHECKING:
    from chatkit_aws.usage.kind import Kind

MAX_RUNS = 100
"""The most turns at the same time that can be asked for: each has an attribute in one row, and an expression of
DynamoDB's may have 300 operators (Developer Guide, Constraints)."""
_NEAR_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user, and one tenant, may take; 0 is no limit. Raises InvalidLimits.

    `reserved_tokens` is what a turn takes from the day and the month before it is known how much it uses. A turn begins
    only where so much is left, so a budget is exceeded at most by what turns use beyond their reservations; with 0 a
    turn begins where one token is left.
    """

    requests_per_minute: int = 0
    concurrent_runs: int = 0
    tokens_per_day: int = 0
    tenant_tokens_per_month: int = 0
    reserved_tokens: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                message = f"{field.name} is {getattr(self, field.name)} and may be 0, for no limit, or more"
                raise InvalidLimits(message)
        if self.concurrent_runs > MAX_RUNS:
            message = f"concurrent_runs is {self.concurrent_runs} and may be {MAX_RUNS} at most"
            raise InvalidLimits(message)
        for name in ("tokens_per_day", "tenant_tokens_per_month"):
            if 0 < getattr(self, name) < self.reserved_tokens:
                message = f"{name} is less than reserved_tokens, so no turn could begin"
                raise InvalidLimits(message)


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a quota is taken, reservations of running turns included; `resets_at` as in QuotaReached.

    The figures of `tokens_month` are those of all users of the tenant together.
    """

    kind: Kind
    used: int
    limit: int
    resets_at: int

    @property
    def is_near(self) -> bool:
        """Whether 80 % or more are taken."""
        return self.used * 100 >= self.limit * _NEAR_PERCENT
