"""One request that is sent again and again: what is known of it, and every rule that its answers break."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from chat_testing.chat import ChatClient
from chat_testing.endings import threads
from chat_testing.endings.heard import Heard
from chat_testing.endings.model import Call, answer_to
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.people import Person
from chat_testing.endings.world import World

type Series = Literal["cut, named", "cut, no name", "killed, named", "killed, no name"]
SERIES: tuple[Series, ...] = ("cut, named", "killed, named", "cut, no name", "killed, no name")


@dataclass
class Repeated:
    """One case: an answer that is broken off at that moment, and what was heard of each attempt."""

    world: World
    number: int
    moment: float
    series: Series
    person: Person
    client: ChatClient
    question: str
    run_id: str | None
    body: bytes = b""
    attempts: list[Heard] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, number: int, moment: float) -> "Repeated":
        """The series take turns, and in each of them new threads and old ones."""
        person, series = world.person(f"repeats-{number}"), SERIES[number % len(SERIES)]
        run_id = uuid4().hex if series.endswith(", named") else None
        question = world.question(f"repeat{number}")
        return cls(world, number, moment, series, person, world.elsewhere(person), question, run_id)

    @property
    def name(self) -> str:
        """For people to tell it by."""
        kind = "new" if self.is_new else "old"
        return f"repeat {self.number} ({self.series}, {kind}) at {self.moment:.3f} s, {len(self.attempts)} attempts"

    @property
    def is_new(self) -> bool:
        """Whether the turn begins a thread."""
        return self.number // len(SERIES) % 2 == 0

    @property
    def is_killed(self) -> bool:
        """Whether it is the process that is killed, and not the connection that is cut."""
        return self.series.startswith("killed")

    async def faults(self, outcome: Outcome) -> list[str]:
        """Every rule that the answers break: one call of the model, one message, one thread, one answer."""
        last, calls = self.attempts[-1], self.world.model.about(self.question)
        outcome.counts[f"{self.series}: cases"] += 1
        outcome.counts[f"{self.series}: attempts"] += len(self.attempts)
        if not last.is_complete:
            return ["no attempt came to its end"]
        if self.run_id is None and len(calls) > 1 and all(map(_is_after, calls[1:], calls)):
            # The rule of docs/runs.md: the same words after the answer are a new turn, where nobody names the run.
            outcome.counts[f"{self.series}: answered again, sent after the end"] += 1
            return []
        found = await threads.threads_of(self.client)
        texts = [threads.text_of(item) for name in found for item in await self.client.items(name)]
        counts = {"calls of the model": len(calls), "threads": len(found), "messages": texts.count(self.question)}
        faults = [f"there are {count} {what}" for what, count in counts.items() if count > 1]
        return faults + self._faults_of_answer(outcome, last)

    def _faults_of_answer(self, outcome: Outcome, last: Heard) -> list[str]:
        """The whole answer; or after a kill, what was said and that it broke off."""
        events = last.answer.events
        if last.status != 200 or not events:
            return [f"the last answer is none: {last.status} {bytes(last.body[-200:])!r}"]
        if events[-1]["type"] != "error":
            outcome.counts[f"{self.series}: whole answers"] += 1
            return self._faults_of_beginnings(events, is_broken=False) + self._faults_of_whole(last)
        outcome.counts[f"{self.series}: told that it broke off"] += 1
        faults = self._faults_of_beginnings(events[:-1], is_broken=True)
        if not self.is_killed or events[-1].get("allow_retry") is not True:
            faults.append(f"the answer ends with this error: {events[-1]}")
        return faults

    def _faults_of_beginnings(self, said: list[dict[str, Any]], *, is_broken: bool) -> list[str]:
        """What was heard before is a beginning of the last answer; a kill may lose the last second of it."""
        faults = []
        for heard in self.attempts[:-1]:
            earlier = heard.answer.events
            length = min(len(earlier), len(said)) if is_broken else len(earlier)
            if earlier[:length] != said[:length]:
                faults.append(f"an earlier attempt heard something else: {earlier[-1:]}")
        return faults

    def _faults_of_whole(self, last: Heard) -> list[str]:
        """The events of an answer that nothing broke off."""
        types = [event["type"] for event in last.answer.events if event["type"] != "thread.item.updated"]
        wanted = ["thread.item.done", "stream_options", "thread.item.added", "thread.item.done"]
        if types != ["thread.created"] * self.is_new + wanted or last.answer.text != answer_to(self.question):
            return [f"the events are not those of an uninterrupted answer: {types}"]
        return []


def _is_after(later: Call, earlier: Call) -> bool:
    """Whether a call came when the other had been answered whole."""
    return earlier.answered_at is not None and later.asked_at > earlier.answered_at
