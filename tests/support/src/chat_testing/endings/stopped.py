"""One turn that is stopped: what is known of it, and every rule that it breaks."""

import time
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from chat_testing.chat import ChatClient
from chat_testing.endings import threads
from chat_testing.endings.heard import Heard
from chat_testing.endings.outcome import Outcome
from chat_testing.endings.people import Person, asking
from chat_testing.endings.waiting import until
from chat_testing.endings.world import ARRIVAL_SECONDS, RUN_SECONDS, World

GOAL_SECONDS = 2.0
"""Within which the model's call is to be cancelled."""
NOTICE = "The answer was stopped."


@dataclass
class Stopped:
    """One case: its user reads on until the stream ends, or hangs up as the page's helper does."""

    world: World
    number: int
    moment: float
    person: Person
    client: ChatClient
    question: str
    is_new: bool
    hangs_up: bool
    by_thread: bool
    run_id: str = field(default_factory=lambda: uuid4().hex)
    heard: Heard = field(default_factory=Heard)
    thread_id: str = ""
    watch_seconds: float = 0.0
    stopped_at: float = 0.0
    must_stop: bool = True
    """Whether there is a run that the stop must have reached."""
    is_stuck: bool = False

    @classmethod
    def of(cls, world: World, number: int, moment: float) -> "Stopped":
        """Half of all turns begin a thread, half of all users hang up, a quarter of all stops name the thread."""
        person = world.person(f"stops-{number}")
        client, question = world.elsewhere(person), world.question(f"stop{number}")
        hangs_up = number % 4 > 1 and moment >= 0
        return cls(world, number, moment, person, client, question, number % 2 == 0, hangs_up, number % 8 > 5)

    @property
    def name(self) -> str:
        """For people to tell it by."""
        words = "new" if self.is_new else "old", "hangs up" if self.hangs_up else "reads on"
        return f"stop {self.number} at {self.moment:.3f} s ({', '.join(words)}, watch {self.watch_seconds} s)"

    def body(self) -> bytes:
        """The request."""
        return asking(self.question, self.thread_id)

    async def faults(self, outcome: Outcome) -> list[str]:
        """Every rule that the turn breaks."""
        if self.is_stuck:
            return ["the stream did not end"]
        if self.hangs_up and not await self._is_free_again(outcome):
            return ["the run did not end"]
        if not self.hangs_up and not self.heard.is_complete:
            return ["the stream broke off"]
        return await self._faults_of_thread(outcome) + self._faults_of_model(outcome)

    async def _is_free_again(self, outcome: Outcome) -> bool:
        """Wait until the run is over that nobody listens to; whether that came, or there is none."""

        async def has_begun() -> bool:
            return any(run.run_id == self.run_id for run in await self.world.runs(self.person))

        if not await until(has_begun, ARRIVAL_SECONDS):
            outcome.counts["the request did not arrive"] += 1
            return not self.world.model.about(self.question)
        is_free = await until(partial(self.world.is_idle, self.person), RUN_SECONDS)
        outcome.took(f"hang-up to free thread, watch {self.watch_seconds} s", time.monotonic() - self.stopped_at)
        return is_free

    async def _faults_of_thread(self, outcome: Outcome) -> list[str]:
        found = [self.thread_id] if self.thread_id else await threads.threads_of(self.client)
        if not found:
            outcome.counts["no thread came to be"] += 1
        faults = [f"there are {len(found)} threads"] if len(found) > 1 else []
        for thread_id in found:
            faults += await threads.faults_of(self.client, thread_id, self.question, self.heard, "what was heard")
            faults += await self._faults_of_note(thread_id, outcome)
        return faults + await threads.faults_of_next(self.client, found[0] if found else None)

    async def _faults_of_note(self, thread_id: str, outcome: Outcome) -> list[str]:
        """The model is told of the stop if the user is, unless there is nothing that it could go on with."""
        items = (await self.world.store.load_thread_items(thread_id, None, 100, "asc", self.person.context)).data
        notes = sum(item.type == "sdk_hidden_context" for item in items)
        notices = sum(event.get("message") == NOTICE for event in self.heard.answer.events)
        outcome.counts["stopped" if notes or notices else "answered before"] += 1
        if self.hangs_up or (notices == 1 and not self.world.model.about(self.question)):
            return [f"the model is told {notes} times"] if notes > 1 else []
        return [] if notes == notices <= 1 else [f"the user is told {notices} times and the model {notes} times"]

    def _faults_of_model(self, outcome: Outcome) -> list[str]:
        """One call at most, which was cancelled in time or came to its end by itself before."""
        calls = self.world.model.about(self.question)
        if len(calls) != 1:
            outcome.counts["the model was never asked"] += not calls
            return [f"the model was asked {len(calls)} times"] if calls else []
        [call] = calls
        if not call.is_over:
            return ["the model's call was not ended"]
        seconds = (call.closed_at or call.answered_at or 0.0) - max(self.stopped_at, call.asked_at)
        if call.closed_at is not None:
            outcome.took(f"stop to cancelled model, watch {self.watch_seconds} s", seconds)
        return [f"the model went on for {seconds:.1f} s"] if self.must_stop and seconds > GOAL_SECONDS else []
