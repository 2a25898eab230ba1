"""All that a turn takes: emulators, issuer, model, and the application in as many processes as are asked for."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import tokens
from chat_testing.chat import ChatClient
from chat_testing.endings import model as models
from chat_testing.endings.environments import Environment, Environments, variables_for
from chat_testing.endings.model import WatchedModel
from chat_testing.endings.people import TENANT, Person
from chat_testing.endings.waiting import AT_ONCE, until
from chat_testing.filling import RETENTION
from chat_testing.secrets import serving_secret
from chat_testing.table_definition import create_table
from chat_testing.tokens import TokenIssuer
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.rows import Row

WATCH_SECONDS = (1.0, 0.05)
"""How often runs look around: as the template has it, and so often that they are stopped at any moment."""
ARRIVAL_SECONDS, RUN_SECONDS = 4.0, 15.0
"""How long it may take until the model is asked, and until the answer is over, of which most take two seconds."""
OTHERS = 2
"""Processes beside them, for stops and for questions about threads."""


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
        return not any(map(_is_under_way, await self.runs(person)))

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
        secrets = stack.enter_context(serving_secret("model-key", models.KEY))
        address = stack.enter_context(models.serving(watched))
        variables = variables_for(table, issuer.jwks_url, address, dynamodb, secrets)
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


def _is_under_way(run: Row) -> bool:
    """Whether the run of this row has its thread to itself still."""
    return run.ended is None and (run.lease_until or 0) > time.time()
