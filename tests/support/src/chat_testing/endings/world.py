"""All that a turn takes: emulators, issuer, model, and the application in as many processes as are asked for."""

import asyncio
import random
import statistics
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
from chat_testing.endings.outcome import moments
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
ARRIVAL_SECONDS, RUN_SECONDS = 8.0, 15.0
"""How long it may take until the model is asked, and until the answer is over, of which most take two seconds."""
WARM = 0.5
"""How many of the processes that come after others were killed have answered before."""
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
    turn_seconds: float = 0.0
    """How long a turn takes that nothing breaks off."""

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

    def moments(self, count: int, first: float, last: float) -> list[float]:
        """So many moments in seconds from a request, between two that are in turns: 1 is the end of an answer."""
        return moments(count, self.random, first * self.turn_seconds, last * self.turn_seconds)

    async def runs(self, person: Person) -> list[Row]:
        """The last run of each of someone's threads."""
        owner, table = Owner.of(TENANT, person.name), self.store.kinds.table
        found = await self.store.load_threads(100, None, "asc", person.context)
        rows = [await table.get(owner.thread(thread.id).run) for thread in found.data]
        return [row for row in rows if row is not None]

    async def is_idle(self, person: Person) -> bool:
        """Whether nothing is being answered in any of someone's threads."""
        now, runs = time.time(), await self.runs(person)
        return all(run.ended is not None or (run.lease_until or 0) <= now for run in runs)

    async def answered(self, person: Person, question: str) -> bool:
        """Wait until a run that asks the model this is over; False where none comes to be."""

        async def is_over() -> bool:
            calls = self.model.about(question)
            return bool(calls) and all(call.is_over for call in calls) and await self.is_idle(person)

        return await until(is_over, RUN_SECONDS)

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
                is_warm = self.random.random() < WARM
                self.answering.put_nowait(await self.started(environment.watch_seconds, is_warm=is_warm))

    async def started(self, watch_seconds: float, *, is_warm: bool) -> Environment:
        """A new process; a warm one has answered before, as it takes a second longer to do the first time."""
        environment = await asyncio.to_thread(self.environments.start, watch_seconds)
        if is_warm:
            await environment.client(self.person(f"first-{environment.pid}").token).create("First")
        return environment

    async def start(self, at_once: int) -> None:
        """Start all processes, and see how long one takes for an answer when all of them work."""
        watches = [WATCH_SECONDS[number % 2] for number in range(at_once)]
        started = await asyncio.gather(*(self.started(watch, is_warm=True) for watch in watches))
        self.others += await asyncio.gather(*(self.started(WATCH_SECONDS[0], is_warm=True) for _ in range(OTHERS)))
        timed = [self._timed(environment, number / at_once) for number, environment in enumerate(started)]
        self.turn_seconds = statistics.median(await asyncio.gather(*timed))
        for environment in started:
            self.answering.put_nowait(environment)

    async def _timed(self, environment: Environment, wait: float) -> float:
        await asyncio.sleep(wait)
        began = time.monotonic()
        await environment.client(self.person(f"timed-{environment.pid}").token).create(self.question("timed"))
        return time.monotonic() - began


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
            await world.start(at_once)
            yield world
        finally:
            await environments.close()
            client.delete_table(TableName=table)
