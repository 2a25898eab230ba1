"""Doing many things, several at once, with a bounded number in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

AT_ONCE = 8
"""Requests at the same time: half of what the table's client keeps threads for."""


async def each[T](things: Iterable[T], work: Callable[[T], Awaitable[object]], at_once: int = AT_ONCE) -> None:
    """Do `work` for each thing. The first error ends all of it and is the caller's."""
    waiting = iter(things)

    async def work_on() -> None:
        for thing in waiting:
            await work(thing)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work_on())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def each_of_pages[T](
    pages: AsyncIterable[Iterable[T]], work: Callable[[T], Awaitable[object]], at_once: int = AT_ONCE
) -> None:
    """The same for the things of one page after the other."""
    async for page in pages:
        await each(page, work, at_once)
