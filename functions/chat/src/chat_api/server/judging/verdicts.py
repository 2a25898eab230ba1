"""Verdicts of checks, each a task: whether they are there, and what they are."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from agents import InputGuardrailResult, OutputGuardrailResult
from agents.exceptions import InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered


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


async def all_before(tasks: Sequence[asyncio.Task[Any]], end: asyncio.Event) -> bool:
    """Wait until all are there or that is set; whether they are."""
    if all(task.done() for task in tasks):
        return True
    waits = [begun(all_of(tasks)), begun(_set(end))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return all(task.done() for task in tasks)


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def verdict_of[V](task: asyncio.Task[V]) -> V | None:
    """The verdict, if there is one by now."""
    is_there = task.done() and not task.cancelled() and task.exception() is None
    return task.result() if is_there else None


def raise_refused(
    asked: Iterable[asyncio.Task[InputGuardrailResult]], said: Iterable[asyncio.Task[OutputGuardrailResult]]
) -> None:
    """Raises the SDK's exception for what a check has refused of the question, or else of the answer."""
    for question in asked:
        if (verdict := verdict_of(question)) is not None and verdict.output.tripwire_triggered:
            raise InputGuardrailTripwireTriggered(verdict)
    for answer in said:
        if (judged := verdict_of(answer)) is not None and judged.output.tripwire_triggered:
            raise OutputGuardrailTripwireTriggered(judged)
