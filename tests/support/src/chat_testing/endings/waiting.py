"""Many cases at once, and waiting for what comes of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from chat_testing.endings.outcome import Outcome

AT_ONCE = 10
"""Cases at the same time: as many as there are processes that answer."""


class Case(Protocol):
    """Something that is tried once; people tell it by its name."""

    @property
    def name(self) -> str: ...


async def each[C: Case](cases: Iterable[C], run: Callable[[C], Awaitable[None]], outcome: Outcome) -> None:
    """Run all cases, so many at once."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(case: C) -> None:
        async with free:
            await tried(case, run(case), outcome)

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(one(case))


async def tried(case: Case, trial: Awaitable[None], outcome: Outcome) -> None:
    """One case; what it fails with is a broken rule, since answers are taken apart as they should be."""
    try:
        await trial
    except Exception as error:  # noqa: BLE001 - the others go on
        outcome.broken(case.name, [f"{type(error).__name__}: {error}"])


async def until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Wait for a state; whether it came within that time."""
    end = time.monotonic() + seconds
    while not await is_so():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True
