"""Trying again after a collision with another writer, within a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from chatkit_aws.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_random = SystemRandom()  # has no state that processes restored from one snapshot would share


class Contended(StoreUnavailable):
    """Another request holds the row at this moment; the same request may well succeed a moment later."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently to try; waits are in seconds and double, each cut to a random part (full jitter).

    `budget` is the most that all of it may take, in seconds: less than a turn has left when it ends itself before the
    function's deadline. A write that was given up may have been carried out, once.
    """

    attempts: int = 40
    first_wait: float = 0.02
    longest_wait: float = 0.5
    budget: float = 8.0

    async def run[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Do `attempt` until it no longer raises Contended; the last one's error is the caller's.

        Raises StoreUnavailable when the budget is used up.
        """
        try:
            async with asyncio.timeout(self.budget):
                return await self._run(attempt)
        except TimeoutError:
            message = f"DynamoDB did not carry out the request within {self.budget} s"
            raise StoreUnavailable(message) from None

    async def _run[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        for number in range(self.attempts - 1):
            try:
                return await attempt()
            except Contended:
                await asyncio.sleep(_random.uniform(0, self._longest(number)))
        return await attempt()

    def _longest(self, number: int) -> float:
        return min(self.longest_wait, self.first_wait * 2.0**number)
