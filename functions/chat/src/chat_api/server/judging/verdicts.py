"""Verdicts of checks, each a task: whether they are there, and what they are."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any


def begun[V](judging: Coroutine[None, None, V]) -> asyncio.Task[V]:
    """A verdict that is being made, whoever waits for it."""
    task = asyncio.create_task(judging)
    task.add_done_callback(_look)
    return task


def _look(task: asyncio.Task[Any]) -> None:
    """Nobody may ask for a verdict any more; asyncio would complain about its error."""
    if not task.cancelled():
        task.exception()


async def all_of(tasks: Sequence[asyncio.Task[Any]], seconds: float | None = None) -> None:
    """Wait until all are there, or for so long."""
    if waiting := [task for task in tasks if not task.done()]:
        await asyncio.wait(waiting, timeout=seconds)


def verdict_of[V](task: asyncio.Task[V]) -> V | None:
    """The verdict, if there is one by now."""
    is_there = task.done() and not task.cancelled() and task.exception() is None
    return task.result() if is_there else None
