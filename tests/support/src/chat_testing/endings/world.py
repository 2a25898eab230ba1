"""All that a turn takes: emulators, issuer, model, and the application in as many processes as are asked for."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import tokens
from chat_testing.app import settings_for
from chat_testing.artifacts import variables_of
from chat_testing.builders import context
from chat_testing.chat import ChatClient, message, request
from chat_testing.endings import model as models
from chat_testing.endings.environments import Environment, Environments
from chat_testing.endings.model import WatchedModel
from chat_testing.filling import RETENTION
from chat_testing.secrets import serving_secret
from chat_testing.table_definition import create_table
from chat_testing.tokens import TokenIssuer
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.rows import Row

TENANT = "default"
AS_DEPLOYED = {
    "history_items": 40,
    "requests_per_minute": 20,
    "concurrent_runs": 3,
    "tokens_per_day": 500_000,
    "reserved_tokens": 8_000,
    "usage_days": 400,
    "heartbeat_seconds": 15.0,
}
"""Settings as the template has them by default, where those of tests are others."""
WATCH_SECONDS = (1.0, 0.05)
"""How often runs look around: as the template has it, and so often that they are stopped at any moment."""
ARRIVAL_SECONDS, RUN_SECONDS = 4.0, 15.0
"""How long it may take until the model is asked, and until the answer is over, of which most take two seconds."""
AT_ONCE = 10
"""Turns that are answered at the same time, each in a process of its own."""
OTHERS = 3
"""Processes beside them, for stops and for questions about threads."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of their own, whom no other turn is in the way of."""

    name: str
    token: str

    @property
    def context(self) -> RequestContext:
        """Whose rows these are."""
        return context(self.name, TENANT)


@dataclass
class World:
    """Where turns happen; `answering` are processes that answer a turn each, `others` are for what is short."""

    table: str
    dynamodb: DynamoDBClient
    model: WatchedModel
    issuer: TokenIssuer
    environments: Environments
    random: random.Random
    answering: asyncio.Queue[Environment] = field(default_factory=asyncio.Queue)
    others: list[Environment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = DynamoDBStore(self.table, self.dynamodb, retention=RETENTION)

    def person(self, name: str) -> Person:
        """Someone new."""
        return Person(name, self.issuer.mint(name))

    def elsewhere(self, person: Person) -> ChatClient:
        """Someone's client that reaches a process which answers no turn for long."""
        return self.random.choice(self.others).client(person.token)

    def question(self, about: str) -> str:
        """A message that nobody else sends, and whose answer takes a second and a half."""
        return " ".join([about, *(f"word{self.random.randrange(10_000)}" for _ in range(29))])

    async def runs(self, person: Person) -> list[Row]:
        """The last run of each of someone's threads."""
        owner, table = Owner.of(TENANT, person.name), self.store.kinds.table
        found = await self.store.load_threads(100, None, "asc", person.context)
        rows = [await table.get(owner.thread(thread.id).run) for thread in found.data]
        return [row for row in rows if row is not None]

    async def is_idle(self, person: Person) -> bool:
        """Whether nothing is being answered in any of someone's threads."""
        return not any(map(is_under_way, await self.runs(person)))

    async def answered(self, person: Person, question: str) -> bool:
        """Wait until a run that asks the model this is over; False where none comes to be."""

        async def is_over() -> bool:
            calls = self.model.about(question)
            return all(call.is_over for call in calls) and await self.is_idle(person)

        async def is_asked() -> bool:
            return bool(self.model.about(question))

        return await until(is_asked, ARRIVAL_SECONDS) and await until(is_over, RUN_SECONDS)

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[Environment]:
        """A process for one turn, as on Lambda; another one comes in its place if it is killed."""
        environment = await self.answering.get()
        try:
            yield environment
        finally:
            if not environment.is_killed:
                self.answering.put_nowait(environment)
            else:
                await self.add(environment.watch_seconds)

    async def add(self, watch_seconds: float) -> None:
        """Start another process that answers turns."""
        self.answering.put_nowait(await asyncio.to_thread(self.environments.start, watch_seconds))

    async def warm_up(self) -> None:
        """Have each process answer once: the first turn of one takes a second longer, by which others would be late."""
        answering = [self.answering.get_nowait() for _ in range(self.answering.qsize())]
        async with asyncio.TaskGroup() as group:
            for number, environment in enumerate([*answering, *self.others]):
                person = self.person(f"first-{number}")
                group.create_task(environment.client(person.token).create("First"))
        for environment in answering:
            self.answering.put_nowait(environment)


@asynccontextmanager
async def created(dynamodb: str, seed: int, at_once: int = AT_ONCE) -> AsyncIterator[World]:
    """The world around an emulator of DynamoDB at that address; `at_once` processes answer."""
    client, table = dynamodb_client(dynamodb), f"endings-{time.time_ns()}"
    create_table(client, table)
    watched = WatchedModel()
    with ExitStack() as stack:
        issuer = stack.enter_context(tokens.serving())
        changes = {**AS_DEPLOYED, "openai_base_url": stack.enter_context(models.serving(watched))}
        settings = settings_for(table, issuer.jwks_url).model_copy(update=changes)
        variables = {
            **variables_of(settings),
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": stack.enter_context(serving_secret("model-key", models.KEY)),
        }
        environments = stack.enter_context(Environments(variables))
        world = World(table, client, watched, issuer, environments, random.Random(seed))
        try:
            for number in range(at_once):
                await world.add(WATCH_SECONDS[number % 2])
            world.others += [await asyncio.to_thread(environments.start, WATCH_SECONDS[0]) for _ in range(OTHERS)]
            await world.warm_up()
            yield world
        finally:
            await environments.close()
            client.delete_table(TableName=table)


def is_under_way(run: Row) -> bool:
    """Whether the run of this row has its thread to itself still."""
    return run.ended is None and (run.lease_until or 0) > time.time()


def asking(question: str, thread_id: str | None) -> bytes:
    """The request that asks this in a thread, or in a new one, as it is sent."""
    if thread_id:
        return json.dumps(request("threads.add_user_message", thread_id=thread_id, input=message(question))).encode()
    return json.dumps(request("threads.create", input=message(question))).encode()


async def each[Case](cases: Iterable[Case], run: Callable[[Case], Awaitable[None]]) -> None:
    """Run all cases, so many at once as there are processes that answer."""
    free = asyncio.Semaphore(AT_ONCE)  # no more, since some work before they have a process and after

    async def one(case: Case) -> None:
        async with free:
            await run(case)

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(one(case))


async def until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Wait for a state; whether it came within that time."""
    end = time.monotonic() + seconds
    while not await is_so():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True
