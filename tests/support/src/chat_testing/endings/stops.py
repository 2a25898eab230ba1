"""Turns that are stopped at any moment, from another process than the one that answers."""

import asyncio
import json
import time
from functools import partial

from chat_testing.endings.heard import listening
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.stopped import Stopped
from chat_testing.endings.waiting import each
from chat_testing.endings.world import RUN_SECONDS, World

FIRST, LAST = -0.08, 1.2
"""When stops come: 0 is the request, 1 the end of an undisturbed answer."""


async def measure(world: World, count: int, first: float = FIRST, last: float = LAST) -> Outcome:
    """So many stops; the rules that were broken are in the outcome."""
    outcome, drawn = Outcome(), world.moments(count, first, last)
    cases = [Stopped.of(world, number, moment) for number, moment in enumerate(drawn)]
    await each(cases, partial(_run, world, outcome), outcome)
    return outcome


async def _run(world: World, outcome: Outcome, case: Stopped) -> None:
    """Ask, stop, wait for the end, and look at what is left."""
    if not case.is_new:
        case.thread_id = (await case.client.create("Before")).thread_id
    if case.moment < 0:
        await _stop(outcome, case)
        await asyncio.sleep(-case.moment)
    async with world.environment() as environment:
        case.watch_seconds = environment.watch_seconds
        async with listening(case.heard, environment.http, case.person.token, case.body(), case.run_id) as turn:
            if case.moment >= 0:
                await asyncio.sleep(case.moment)
                if case.hangs_up:
                    turn.cancel()
                await _stop(outcome, case)
            await asyncio.wait([turn], timeout=RUN_SECONDS)
            case.is_stuck = not turn.done()
        outcome.broken(case.name, await case.faults(outcome))


async def _stop(outcome: Outcome, case: Stopped) -> None:
    """Stop the run by its name, or by its thread, which finds a run that has begun."""
    outcome.came(case.heard.phase, case.moment)
    known = case.thread_id or next((event["thread"]["id"] for event in case.heard.answer.of_type("thread.created")), "")
    is_by_thread = case.by_thread and bool(known)
    case.must_stop = not is_by_thread or case.heard.headers_at is not None
    wanted = {"thread_id": known} if is_by_thread else {"run": case.run_id}
    answer = await case.client.post(json.dumps(wanted).encode(), path="/chatkit/stop")
    case.stopped_at = time.monotonic()
    outcome.counts["by thread" if is_by_thread else "by run"] += 1
    outcome.broken(case.name, [] if answer.status == 202 else [f"the stop was answered with {answer.status}"])
