"""Two users who do the same in one process, in step, and all that each of them was sent and had the model told."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import Any, override

from agents import Model
from agents.items import TResponseStreamEvent
from agents.testing import assistant_message, function_call
from ulid import ULID

from chat_api.assistant.tasks import ListedTask, Tasks
from chat_testing.app import App
from chat_testing.assistant import reloaded, tasks_of
from chat_testing.chat import Answer, ChatClient
from chat_testing.models import PausingModel, ScriptedModels

TITLE = "Call the doctor"
"""The title of a task that both have, and what the model says in the end: the answer cites who asks their own."""
NEVER = "01KASVN8Z0T4XN8ZC6V2M1QEJB"
"""The end of ids that never were."""

_SECONDS = 30.0
_ID = re.compile(r"\b[a-z]+_[0-9A-HJKMNP-TV-Z]{26}(?![0-9A-Z])")
_PASSING = re.compile(
    rf'{_ID.pattern}|"request_id": ?"[^"]*"|\d{{4}}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)?|\d\d:\d\d|alice|bob', re.IGNORECASE
)
_asking: ContextVar[str] = ContextVar("asking")
"""Whose request is served: by it alone the models know for whom they answer."""


class InStep(PausingModel):
    """A user's own model, which answers once the other user's was asked too; it pauses where `go_on` is cleared."""

    def __init__(self, both: asyncio.Barrier) -> None:
        """Have nothing to say yet."""
        super().__init__()
        self._both = both
        self.go_on.set()

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        async with asyncio.timeout(_SECONDS):
            await self._both.wait()
        async for event in super().stream_response(*args, **options):
            yield event


class TwoModels(ScriptedModels):
    """A provider of a model for each of two users; `chosen` has the names that were asked for."""

    def __init__(self) -> None:
        """Both have nothing to say yet."""
        super().__init__()
        both = asyncio.Barrier(2)
        self.of = {name: InStep(both) for name in ("alice", "bob")}
        self.chosen: dict[str, list[str | None]] = {name: [] for name in self.of}

    @override
    def get_model(self, model_name: str | None) -> Model:
        self.chosen[_asking.get()].append(model_name)
        return self.of[_asking.get()]


class Recorded(ChatClient):
    """A signed-in user who keeps every answer."""

    received: list[str]

    @override
    async def post(self, body: bytes, path: str | None = None, **headers: str) -> Answer:
        return self._kept(await super().post(body, path, **headers))

    @override
    async def get(self, path: str, **headers: str) -> Answer:
        return self._kept(await super().get(path, **headers))

    def _kept(self, answer: Answer) -> Answer:
        self.received.append(f"{answer.status} {answer.body.decode()}")
        return answer


@dataclass
class Person:
    """A user with a task that the other one has as well, by its words, and with one that is a secret."""

    name: str
    client: Recorded
    model: InStep
    tasks: Tasks
    task: ListedTask
    _begin: tuple[int, int] = field(default=(0, 0), init=False)

    @property
    def secret(self) -> str:
        """The title of the other task."""
        return f"The secret of {self.name}"

    def forget(self) -> None:
        """Let what was heard so far count no more."""
        self._begin = (len(self.client.received), len(self.model.calls))

    @property
    def heard(self) -> str:
        """All that was sent to the user, and all that the model was given for them."""
        received, calls = self._begin
        given = (f"{call.system_instructions} {call.input}" for call in self.model.calls[calls:])
        return "\n".join([*self.client.received[received:], *given])

    def says(self, text: str = TITLE) -> None:
        """Have the model say something next."""
        self.model.enqueue([assistant_message(text, item_id=f"msg_{ULID()}")])

    async def ask(self, tool: str, arguments: dict[str, Any], says: int = 1) -> Answer:
        """A thread in which the model calls a tool, and then says something so often; and what a reload shows of it."""
        self.model.enqueue([function_call(tool, arguments, call_id=f"call_{ULID()}", item_id=f"fc_{ULID()}")])
        for _ in range(says):
            self.says()
        answer = await self.client.create("Do it")
        await reloaded(self.client, answer.thread_id)
        return answer


def alike(text: str) -> str:
    """The text without what differs between any two users, or between any two things of one."""
    return _PASSING.sub("_", text)


@dataclass(frozen=True)
class TwoUsers:
    """Alice and Bob."""

    alice: Person
    bob: Person
    models: TwoModels

    async def both[T](self, act: Callable[[Person, Person], Awaitable[T]]) -> list[T]:
        """Have each of them do it at the same time; `act` is given who does it, and the other one."""

        async def acting(me: Person, other: Person) -> T:
            _asking.set(me.name)
            return await act(me, other)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(acting(*who)) for who in ((self.alice, self.bob), (self.bob, self.alice))]
        return [task.result() for task in tasks]

    async def assert_apart(self) -> None:
        """Both heard and have the same, but for whose it is, and neither anything of the other's."""
        heard = [person.heard for person in (self.alice, self.bob)]
        ids = [{found[0] for found in _ID.finditer(text)} for text in heard]
        assert ids[0].isdisjoint(ids[1])
        assert self.bob.secret not in heard[0]
        assert self.alice.secret not in heard[1]
        lines = zip_longest(*(alike(text).splitlines() for text in heard))
        differences = [line for line in lines if line[0] != line[1]]
        assert differences == [], differences
        left = [alike(str(await person.tasks.all())) for person in (self.alice, self.bob)]
        assert left[0] == left[1]


async def two_users(app: App) -> TwoUsers:
    """Alice and Bob in an application with `TwoModels`, each with two tasks."""
    assert isinstance(app.models, TwoModels)
    people = [await _person(app, name, model) for name, model in app.models.of.items()]
    return TwoUsers(people[0], people[1], app.models)


async def _person(app: App, name: str, model: InStep) -> Person:
    client = Recorded(app.http, app.issuer.mint(name))
    client.received = []
    tasks = tasks_of(app, name)
    person = Person(name, client, model, tasks, await tasks.add(TITLE, date(2026, 12, 1)))
    await tasks.add(person.secret)
    return person
