"""The quotas of one turn: each is taken before it begins, and settled or given back once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from chatkit_aws.store.writes import ANY, PRESENT
from chatkit_aws.usage.errors import QuotaReached
from chatkit_aws.usage.figures import TAKEN, TURNS, number, numbers_of
from chatkit_aws.usage.limits import Level

if TYPE_CHECKING:
    from chatkit_aws.usage.counters import Counter, Mark
    from chatkit_aws.usage.figures import Attributes
    from chatkit_aws.usage.kind import Kind
    from chatkit_aws.usage.slots import Slots
    from chatkit_aws.usage.usage import Usage

_REQUESTS = "requests"


class Quota(Protocol):
    """One quota. All raise StoreUnavailable, StoreRefused."""

    @property
    def kind(self) -> Kind:
        """Which one."""

    @property
    def level(self) -> Level | None:
        """How much is taken, as was last seen; None without a limit."""

    async def take(self) -> None:
        """Take what the turn needs. Raises QuotaReached, and then nothing is taken."""

    async def give_back(self) -> None:
        """Give back what was taken, for a turn that does not begin."""

    async def settle(self, usage: Usage, cost: int | None) -> bool:
        """Count what the turn used; False where nothing is counted of it, since its row is gone."""


@dataclass(slots=True)
class RequestQuota:
    """Requests of a user's minute: one that was let through stays counted."""

    counter: Counter
    mark: Mark
    limit: int
    level: Level | None = None
    kind: Kind = "requests"

    async def take(self) -> None:
        """Take one."""
        ends_at = self.counter.window.ends_at
        row = await self.counter.take(_REQUESTS, 1, self.limit - 1, self.mark)
        if row is None:
            raise QuotaReached(self.kind, ends_at)
        self.level = Level(self.kind, number(row, _REQUESTS), self.limit, ends_at)

    async def give_back(self) -> None:
        """Give it back."""
        await self.counter.end({_REQUESTS: -1}, self.mark, PRESENT)

    async def settle(self, _usage: Usage, _cost: int | None) -> bool:
        """Nothing is to be done."""
        return True


@dataclass(slots=True)
class RunQuota:
    """A user's turns at the same time. Once it is over it takes no place again, whatever was under way."""

    slots: Slots
    run_id: str
    until: int
    level: Level | None = None
    kind: Kind = "runs"
    _is_over: bool = False
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def take(self) -> None:
        """Take a place until its time is over."""
        ends = await self.slots.take(self.run_id, self.until)
        self.level = Level(self.kind, len(ends), self.slots.limit, min(ends, default=self.until))

    async def renew(self, until: int) -> bool:
        """Move the end of the place; whether the turn has one."""
        async with self._changing:
            return not self._is_over and await self.slots.move(self.run_id, until)

    async def give_back(self) -> None:
        """Free the place."""
        self._is_over, self.level = True, None
        async with self._changing:
            await self.slots.free(self.run_id)

    async def settle(self, _usage: Usage, _cost: int | None) -> bool:
        """Free the place."""
        await self.give_back()
        return True


@dataclass(slots=True)
class TokenQuota:
    """Tokens of a user's day or a tenant's month; without a limit nothing is taken, only counted at the end.

    All is counted in the window in which the turn began, so the reservation goes back to where it came from. After
    a reservation the row must be there: what was erased meanwhile does not come back.
    """

    kind: Kind
    counter: Counter
    mark: Mark
    limit: int
    reserved: int
    is_counted: bool
    level: Level | None = None

    async def take(self) -> None:
        """Reserve tokens."""
        if not self.limit:
            return
        row = await self.counter.take(TAKEN, self.reserved, self.limit - max(self.reserved, 1), self.mark)
        if row is None:
            raise QuotaReached(self.kind, self.counter.window.ends_at)
        self._see(row)

    async def give_back(self) -> None:
        """Give the reservation back."""
        if self.limit:
            await self.counter.end({TAKEN: -self.reserved}, self.mark, PRESENT)

    async def settle(self, usage: Usage, cost: int | None) -> bool:
        """Replace the reservation by what was used."""
        amounts = {TAKEN: usage.total - (self.reserved if self.limit else 0)}
        if self.is_counted:
            amounts |= {**numbers_of(usage, cost), TURNS: 1}
        row = await self.counter.end(amounts, self.mark, PRESENT if self.limit else ANY)
        if row is not None and self.limit:
            self._see(row)
        return row is not None

    def _see(self, row: Attributes) -> None:
        self.level = Level(self.kind, number(row, TAKEN), self.limit, self.counter.window.ends_at)
