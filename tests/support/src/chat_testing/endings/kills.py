"""Processes that are killed at any moment of an answer, and what others find of it afterwards."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial

from chat_testing.chat import ChatClient
from chat_testing.endings import threads
from chat_testing.endings.heard import Heard, listening
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.people import Person, asking
from chat_testing.endings.rows import Rows
from chat_testing.endings.waiting import each
from chat_testing.endings.world import World
from chatkit_aws.runs.run_row import LEASE_SECONDS

FIRST, LAST = 0.0, 1.8
"""When processes are killed: 0 is the request, 1 the end of an undisturbed answer. The first one of a process takes
longer."""
TOO_SOON = "Too soon"


@dataclass
class Kill:
    """One case, and what is known of it after the kill."""

    number: int
    moment: float
    person: Person
    client: ChatClient
    question: str
    thread_id: str | None = None
    heard: Heard = field(default_factory=Heard)
    is_refused: bool = False

    @property
    def name(self) -> str:
        """For people to tell it by."""
        return f"kill {self.number} at {self.moment:.3f} s ({'new' if self.number % 2 == 0 else 'old'})"


@dataclass
class Kills:
    """All cases; the leases of those that were killed have lapsed some time after `last_at`."""

    world: World
    cases: list[Kill]
    outcome: Outcome = field(default_factory=Outcome)
    last_at: float = 0.0

    @classmethod
    async def begin(cls, world: World, count: int, first: float = FIRST, last: float = LAST) -> "Kills":
        """Kill so many processes, and look at what there is of each answer at once."""
        drawn = world.moments(count, first, last)
        kills = cls(world, [_case(world, number, moment) for number, moment in enumerate(drawn)])
        await each(kills.cases, partial(_kill, world, kills.outcome), kills.outcome)
        kills.last_at = time.monotonic()
        kills.outcome.broken("rows after the kills", await Rows(world.table, world.dynamodb, "kills-").faults())
        return kills

    async def end(self) -> Outcome:
        """Wait until the leases have lapsed, and go on in each thread."""
        await asyncio.sleep(max(0.0, self.last_at + LEASE_SECONDS + 1 - time.monotonic()))
        await each(self.cases, partial(_ask_again, self.outcome), self.outcome)
        rows = Rows(self.world.table, self.world.dynamodb, "kills-")
        self.outcome.broken("rows after the next turns", await rows.faults())
        return self.outcome


def _case(world: World, number: int, moment: float) -> Kill:
    person = world.person(f"kills-{number}")
    return Kill(number, moment, person, world.elsewhere(person), world.question(f"kill{number}"))


async def _kill(world: World, outcome: Outcome, case: Kill) -> None:
    """Ask, kill the process that answers, and look at once at what there is."""
    known = None if case.number % 2 == 0 else (await case.client.create("Before")).thread_id
    body = asking(case.question, known)
    async with (
        world.environment() as environment,
        listening(case.heard, environment.http, case.person.token, body) as turn,
    ):
        await asyncio.sleep(case.moment)
        outcome.came(case.heard.phase, case.moment)
        environment.kill()
        await turn
    found = await threads.threads_of(case.client)
    case.thread_id = found[0] if found else None
    if case.heard.answer.of_type("thread.created") and case.thread_id != case.heard.answer.thread_id:
        outcome.broken(case.name, [f"the thread is lost, and its event was sent: {found}"])
    if case.thread_id is None:
        outcome.counts["no thread came to be"] += 1
    else:
        await _speak_too_soon(world, outcome, case, case.thread_id)


async def _speak_too_soon(world: World, outcome: Outcome, case: Kill, thread_id: str) -> None:
    """A message before the lease has lapsed is refused, and one where there is none is answered."""
    began, was_running = time.monotonic(), not await world.is_idle(case.person)
    answer = await case.client.say(thread_id, TOO_SOON)
    case.is_refused = threads.is_busy(answer)
    outcome.counts["told that an answer is being written" if case.is_refused else "answered at once"] += 1
    if case.is_refused and not was_running and await world.is_idle(case.person):
        outcome.broken(case.name, ["a message was refused, and no run was under way"])
    if not case.is_refused and was_running:
        outcome.broken(case.name, [f"a message was not refused: {answer.status} {answer.body[-200:]!r}"])
    outcome.took("told so within", time.monotonic() - began)


async def _ask_again(outcome: Outcome, case: Kill) -> None:
    """When the lease has lapsed, everything is as if the killed run had ended there."""
    if case.thread_id is not None:
        if case.is_refused:
            faults = await threads.faults_of(case.client, case.thread_id, case.question, case.heard, "what was done")
            outcome.broken(case.name, faults)
        stored = [threads.text_of(item) for item in await case.client.items(case.thread_id)]
        outcome.counts["questions kept" if case.question in stored else "questions that were not stored yet"] += 1
        if stored.count(TOO_SOON) != (0 if case.is_refused else 1):
            outcome.broken(case.name, [f"the message that came too soon is there {stored.count(TOO_SOON)} times"])
    outcome.broken(case.name, await threads.faults_of_next(case.client, case.thread_id))
