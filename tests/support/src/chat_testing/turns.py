"""A turn of the whole application in a thread that has a history, with what it asks of the table."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, override

import httpx2
from agents import Model
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.app import create_app
from chat_api.bootstrap import create_assistant, create_services
from chat_testing.app import RUNS, TELEMETRY, settings_for
from chat_testing.builders import context, thread
from chat_testing.chat import ChatClient, message, request
from chat_testing.filling import RETENTION, Filler
from chat_testing.metering import Meter, metered
from chat_testing.models import PacedModel, ScriptedModels
from chat_testing.texts import Exchange
from chat_testing.tokens import TokenIssuer
from chatkit_aws.ids import UlidIds
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.retention import DAY

TENANT = "acme-corporation"
USER = "5c1f7f0e-7a5b-4f0d-9d39-8a1f6f1c2b7e"
"""Ids as long as real ones: they are part of every key, and so of what a row costs."""
WATCH_SECONDS = 1.0
"""How often a run looks around, as the template has it."""
SECONDS_BETWEEN = 10
"""How long after an answer the next question comes at the least."""
HISTORY_ITEMS = 40
"""How many items the model is to see, as the template has it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn asked of the table, how long it took, and how long until the model was asked."""

    meter: Meter
    seconds: float
    until_model: float
    chain: int
    """The most requests one after the other before the model was asked."""


def of_store(units: Counter[str]) -> float:
    """What threads and items take of these units, without what the run takes that the turn is."""
    return sum(count for kind, count in units.items() if f"{kind}#" not in RUNS)


class _TimedModels(ScriptedModels):
    """Remembers when a model was last asked for, which is when it is called."""

    def __init__(self, seconds: float) -> None:
        """A model that takes `seconds` for an answer."""
        super().__init__()
        self.model = PacedModel(seconds) if seconds else self.model
        self.asked_at = 0.0

    @override
    def get_model(self, model_name: str | None) -> Model:
        self.asked_at = time.perf_counter()
        return super().get_model(model_name)


@dataclass
class Clock:
    """A time that runs, and that is moved on where something is to be of a while ago."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Stage:
    """The application, one user of it, and the table below; `headers` go with each question."""

    table: str
    dynamodb: DynamoDBClient
    models: _TimedModels
    client: ChatClient
    clock: Clock
    headers: dict[str, str] = field(default_factory=dict)

    async def thread(self, texts: Sequence[str], days_ago: int = 0) -> str:
        """A thread in which these were said in turn, the last one some days ago."""
        at = time.time() - days_ago * DAY
        now = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
        thread_id = UlidIds(lambda: at)("thread")
        store = DynamoDBStore(self.table, self.dynamodb, retention=RETENTION, clock=lambda: at)
        await store.save_thread(thread(thread_id, created_at=now), context(USER, TENANT))
        owner = Owner.of(TENANT, USER)
        Filler(self.table, self.dynamodb, owner, now).conversation(owner.thread(thread_id), texts)
        return thread_id

    async def turn(
        self, thread_id: str, exchange: Exchange, observer: DynamoDBClient | None = None, delay: float = 0
    ) -> Turn:
        """Ask and answer, some seconds after what was before.

        With `observer` by the documented rule, with `delay` as if the table were that far away.
        """
        self.clock.ahead += SECONDS_BETWEEN
        self.models.say(exchange.answer)
        sent = request("threads.add_user_message", thread_id=thread_id, input=message(exchange.question))
        with metered(self.dynamodb, observer, delay) as meter:
            began = time.perf_counter()
            answer = await self.client.post(json.dumps(sent).encode(), **self.headers)
            ended = time.perf_counter()
        assert answer.text == exchange.answer, answer.body
        asked_at = self.models.asked_at
        return Turn(meter, ended - began, asked_at - began, meter.chain(asked_at))


@contextlib.asynccontextmanager
async def stage(
    table: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, *, seconds: float = 0, **changes: Any
) -> AsyncIterator[Stage]:
    """The application over a table, with `changes` of its settings and one signed-in user.

    An answer takes the model at least `seconds`.
    """
    changes = {"history_items": HISTORY_ITEMS, "watch_seconds": WATCH_SECONDS, **changes}
    settings = settings_for(table, issuer.jwks_url).model_copy(update=changes)
    clock, models = Clock(), _TimedModels(seconds)
    store = DynamoDBStore(table, dynamodb, retention=RETENTION, clock=clock)
    app = create_app(create_services(settings, create_assistant(settings, models), store, TELEMETRY))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as http:
        yield Stage(table, dynamodb, models, ChatClient(http, issuer.mint(USER, tenant=TENANT)), clock)
