"""The same request sent again, as ChatKit.js does after an answer that broke off: one run, one message, one answer."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from chat_testing.chat import ChatClient
from chat_testing.endings import threads
from chat_testing.endings.environments import Environment
from chat_testing.endings.heard import Heard, listening
from chat_testing.endings.model import Call, answer_to
from chat_testing.endings.outcome import Outcome, moments
from chat_testing.endings.world import Person, World, asking, each

FIRST, LAST = 0.0, 2.4
"""When an answer is broken off, in seconds from the request."""
REPEATS = 5
"""How often ChatKit.js sends a request again, at most."""
LONGEST_WAIT = 10.0
"""The most seconds that it waits before: 1, 2, 4, 8 and so on, cut to a random part from a half to all."""

type Series = Literal["cut, named", "cut, no name", "killed, named", "killed, no name"]
SERIES: tuple[Series, ...] = ("cut, named", "killed, named", "cut, no name", "killed, no name")


@dataclass
class Repeat:
    """One case: an answer that is broken off at that moment, and what was heard of each attempt."""

    number: int
    moment: float
    series: Series
    person: Person
    client: ChatClient
    question: str
    body: bytes = b""
    run_id: str | None = None
    attempts: list[Heard] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For people to tell it by."""
        kind = "new" if self.is_new else "old"
        return f"repeat {self.number} ({self.series}, {kind}) at {self.moment:.3f} s, {len(self.attempts)} attempts"

    @property
    def is_new(self) -> bool:
        """Whether the turn begins a thread."""
        return self.number // len(SERIES) % 2 == 0


async def measure(world: World, count: int, first: float = FIRST, last: float = LAST) -> Outcome:
    """So many cases of each series; the rules that were broken are in the outcome."""
    outcome, drawn = Outcome(), moments(count * len(SERIES), world.random, first, last)
    cases = [_case(world, number, moment) for number, moment in enumerate(drawn)]
    followed: list[asyncio.Task[None]] = []
    await each(cases, partial(_break_off, world, outcome, followed))
    await asyncio.gather(*followed)
    return outcome


def _case(world: World, number: int, moment: float) -> Repeat:
    person, series = world.person(f"repeats-{number}"), SERIES[number % len(SERIES)]
    case = Repeat(number, moment, series, person, world.elsewhere(person), world.question(f"repeat{number}"))
    case.run_id = uuid4().hex if series.endswith(", named") else None
    return case


async def _break_off(world: World, outcome: Outcome, followed: list[asyncio.Task[None]], case: Repeat) -> None:
    """Ask and break off; what comes then is left to a task, since it waits more than it works."""
    known = None if case.is_new else (await case.client.create("Before")).thread_id
    case.body = asking(case.question, known)
    async with world.environment() as environment:
        await _attempt(case, environment, case.moment, kills=case.series.startswith("killed"))
        outcome.came(case.attempts[0].phase, case.moment)
        followed.append(asyncio.create_task(_go_on(world, outcome, case)))
        if not environment.is_killed:  # it answers still, and takes no other request meanwhile
            await world.answered(case.person, case.question)


async def _attempt(case: Repeat, environment: Environment, seconds: float | None, *, kills: bool = False) -> None:
    """Send the request and listen so long, or to the end."""
    heard = Heard()
    case.attempts.append(heard)
    async with listening(heard, environment.http, case.person.token, case.body, case.run_id) as turn:
        await asyncio.wait([turn], timeout=seconds)
        if kills:
            environment.kill()
            await turn


async def _go_on(world: World, outcome: Outcome, case: Repeat) -> None:
    """Send it again as long as it breaks off, which it may do again, and look at what that comes to."""
    for number in range(REPEATS):
        if case.attempts[-1].is_complete:
            break
        wait = min(LONGEST_WAIT, 2.0**number) * world.random.uniform(0.5, 1.0)
        await asyncio.sleep(wait)
        breaks_again = number < REPEATS - 1 and world.random.random() < 0.3
        await _attempt(case, world.random.choice(world.others), world.random.uniform(0, 2) if breaks_again else None)
    outcome.counts[f"{case.series}: cases"] += 1
    outcome.counts[f"{case.series}: attempts"] += len(case.attempts)
    outcome.broken(case.name, await _faults(world, outcome, case))


async def _faults(world: World, outcome: Outcome, case: Repeat) -> list[str]:
    last = case.attempts[-1]
    if not last.is_complete:
        return ["no attempt came to its end"]
    calls, found = world.model.about(case.question), await threads.threads_of(case.client)
    asked = 0
    for thread_id in found:
        items = await case.client.items(thread_id)
        asked += sum(threads.text_of(item) == case.question for item in items)
    if case.run_id is None and len(calls) > 1 and all(map(_is_after, calls[1:], calls)):
        # The rule of docs/runs.md: the same words after the answer are a new turn.
        outcome.counts[f"{case.series}: answered again, after the end"] += 1
        return []
    faults = [f"the model was asked {len(calls)} times"] if len(calls) > 1 else []
    faults += [f"the question is there {asked} times"] if asked > 1 else []
    faults += [f"there are {len(found)} threads"] if len(found) > 1 else []
    return faults + _faults_of_answer(outcome, case, last)


def _is_after(later: Call, earlier: Call) -> bool:
    """Whether a call came when the other had been answered whole."""
    return earlier.answered_at is not None and later.asked_at > earlier.answered_at


def _faults_of_answer(outcome: Outcome, case: Repeat, last: Heard) -> list[str]:
    """The whole answer; or after a kill, what was said and that it broke off."""
    events = last.answer.events
    if last.status != 200 or not events:
        return [f"the last answer is none: {last.status} {bytes(last.body[-200:])!r}"]
    is_broken = events[-1]["type"] == "error"
    said = events[:-1] if is_broken else events
    faults = [fault for heard in case.attempts[:-1] for fault in _faults_of_beginning(heard, said, is_broken)]
    if is_broken:
        outcome.counts[f"{case.series}: told that it broke off"] += 1
        if case.series.startswith("cut"):
            faults.append(f"the answer ends with an error: {events[-1]}")
        if events[-1].get("allow_retry") is not True:
            faults.append(f"the error allows no retry: {events[-1]}")
        return faults
    outcome.counts[f"{case.series}: whole answers"] += 1
    return faults + _faults_of_whole(last, case)


def _faults_of_beginning(heard: Heard, said: list[dict[str, Any]], is_broken: bool) -> list[str]:
    """What an earlier attempt heard is a beginning of what the last one did; a kill may lose the last second of it."""
    earlier = heard.answer.events
    if earlier and earlier[-1]["type"] == "error":
        earlier = earlier[:-1]
    length = min(len(earlier), len(said)) if is_broken else len(earlier)
    return [] if earlier[:length] == said[:length] else ["an earlier attempt heard something else"]


def _faults_of_whole(last: Heard, case: Repeat) -> list[str]:
    types = [event["type"] for event in last.answer.events]
    once = [kind for kind in types if kind != "thread.item.updated"]
    wanted = [*(["thread.created"] if case.is_new else []), "thread.item.done", "stream_options"]
    wanted += ["thread.item.added", "thread.item.done"]
    if once != wanted or last.answer.text != answer_to(case.question):
        return [f"the answer's events are not those of an uninterrupted one: {once}"]
    return []
