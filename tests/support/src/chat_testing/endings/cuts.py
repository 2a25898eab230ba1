"""Clients that go away at any moment of an answer, which is finished and stored nevertheless."""

import asyncio
from dataclasses import dataclass
from functools import partial

from chat_testing.endings import threads
from chat_testing.endings.heard import Heard, listening
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.people import asking
from chat_testing.endings.waiting import each
from chat_testing.endings.world import World

FIRST, LAST = 0.0, 1.15
"""When clients go: 0 is their request, 1 the end of an undisturbed answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One case: a connection that is closed at that moment."""

    number: int
    moment: float

    @property
    def name(self) -> str:
        """For people to tell it by."""
        return f"cut {self.number} at {self.moment:.3f} s ({'new' if self.is_new else 'old'})"

    @property
    def is_new(self) -> bool:
        """Whether the turn begins a thread."""
        return self.number % 2 == 0


async def measure(world: World, count: int, first: float = FIRST, last: float = LAST) -> Outcome:
    """So many clients that go away; the rules that were broken are in the outcome."""
    outcome = Outcome()
    cases = [Cut(number, moment) for number, moment in enumerate(world.moments(count, first, last))]
    await each(cases, partial(_run, world, outcome), outcome)
    return outcome


async def _run(world: World, outcome: Outcome, case: Cut) -> None:
    person, heard = world.person(f"cuts-{case.number}"), Heard()
    client, question = world.elsewhere(person), world.question(f"cut{case.number}")
    known = None if case.is_new else (await client.create("Before")).thread_id
    body = asking(question, known)
    async with world.environment() as environment:
        async with listening(heard, environment.http, person.token, body):
            await asyncio.sleep(case.moment)
            outcome.came(heard.phase, case.moment)
        is_over = await world.answered(person, question)
    found = await threads.threads_of(client)
    if not is_over and heard.headers_at is None and not world.model.about(question):
        outcome.counts["the request did not arrive"] += 1
        outcome.broken(case.name, [] if found == ([known] if known else []) else ["there is a thread without a turn"])
        return
    outcome.counts["answered" if is_over else "not answered"] += 1
    if not is_over or len(found) != 1:
        outcome.broken(case.name, [f"there are {len(found)} threads, and the run is {'' if is_over else 'not '}over"])
        return
    outcome.broken(case.name, await threads.faults_of(client, found[0], question, heard, "all"))
    outcome.broken(case.name, await threads.faults_of_next(client, found[0]))
