"""Who follows a run gets all that it said, in order and once, or is told to reload; of a deleted thread, nothing."""

import asyncio
import json
import time
from collections.abc import Callable

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.operation import parse
from chat_api.runs.ending import Cause
from chat_api.runs.follower import Follower
from chat_api.runs.keeper import LAST, Keeper, Runs
from chat_api.runs.spending import Spending
from chat_api.web.claims import HEADER, claim_of
from chat_api.words import Words
from chat_testing.app import App
from chat_testing.builders import context, thread
from chat_testing.chat import message, request
from chat_testing.models import PausingModels
from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.runs import Claim, EventLog, Leases, Stops
from chatkit_aws.store import DynamoDBStore, keys
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.cascade import Cascade
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import key_attributes
from chatkit_aws.store.table import Table
from chatkit_aws.usage import Prices

USER = context("alice", "default")
THREAD = Owner.of("default", "alice").thread("thr_1")
type Forget = Callable[[int], None]
type Rows = Callable[..., list[str]]
RELOAD = "This is being answered. Reload to see the answer."


@pytest.fixture
def table(table_name: str, dynamodb: DynamoDBClient) -> Table:
    return Table(table_name, dynamodb, time.time, Retries())


@pytest.fixture
def log(table: Table) -> EventLog:
    return EventLog(table, Bodies())


@pytest.fixture
def runs(log: EventLog) -> Runs:
    return Runs(Leases(log.table), Stops(log.table), log, watch_seconds=0.01)


@pytest.fixture
def store(table_name: str, dynamodb: DynamoDBClient) -> DynamoDBStore:
    return DynamoDBStore(table_name, dynamodb)


@pytest.fixture
async def lease(runs: Runs, store: DynamoDBStore) -> Lease:
    await store.save_thread(thread(), USER)
    return await runs.leases.take(THREAD, Claim("run-1", "digest"))


@pytest.fixture
def cascade(table_name: str, dynamodb: DynamoDBClient, table: Table) -> Cascade:
    return Cascade(Bulk(table_name, dynamodb), None, table)


@pytest.fixture
def models() -> PausingModels:
    return PausingModels()


@pytest.fixture
def rows(table_name: str, dynamodb: DynamoDBClient) -> Rows:
    """The sort keys in the table that begin so."""

    def found(*prefixes: str) -> list[str]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True)
        names = (row["sk"]["S"] for page in pages for row in page["Items"])
        return sorted(name for name in names if name.startswith(prefixes))

    return found


def keeper(runs: Runs, lease: Lease) -> Keeper:
    async def taken() -> Lease:
        return lease

    return Keeper(runs, Taking(taken()), Spending(Prices.of("{}")))


def said(number: int) -> bytes:
    return b"data: %d\n\n" % number


@pytest.fixture
def forget(lease: Lease, dynamodb: DynamoDBClient, table_name: str) -> Forget:
    def remove(count: int) -> None:
        for number in range(count):
            key = key_attributes(lease.thread.batch(lease.generation, number))
            dynamodb.delete_item(TableName=table_name, Key=key)

    return remove


@pytest.mark.parametrize("goes_on", [True, False])
async def test_follower_of_a_run_whose_beginning_is_gone_is_told_to_reload(
    runs: Runs, log: EventLog, lease: Lease, forget: Forget, goes_on: bool
) -> None:
    for number in range(6):
        await log.append(lease, number, said(number))
    forget(3)
    if not goes_on:
        await log.append(lease, 6, LAST)
        await runs.leases.end(lease, "clean")
    async with asyncio.timeout(10):
        for after in (0, 4):
            [only] = [event async for event in Follower(runs, lease, Words("en", "r")).events(after)]
            assert json.loads(only.removeprefix(b"data: "))["message"] == RELOAD


@pytest.mark.parametrize("is_over", [True, False])
async def test_follower_of_a_run_that_is_over_is_not_told_what_it_took_back(
    runs: Runs, log: EventLog, lease: Lease, is_over: bool
) -> None:
    added, updated, removed = "thread.item.added", "thread.item.updated", "thread.item.removed"
    told: list[dict[str, object]] = [
        {"type": added, "item": {"id": "bad"}}, {"type": updated, "item_id": "bad", "update": {"delta": "I say"}},
        {"type": added, "item": {"id": "good"}}, {"type": "thread.item.done", "item": {"id": "bad"}},
        {"type": removed, "item_id": "bad"}, {"type": "error", "message": "Withheld"},
    ]  # fmt: skip
    events = [f"data: {json.dumps(event)}\n\n".encode() for event in told]
    await log.append(lease, 0, b"".join(events))
    following = Follower(runs, lease, Words("en", "r")).events()
    got = [] if is_over else [await anext(following)]
    await log.append(lease, 1, LAST)
    await runs.leases.end(lease, "clean")
    async with asyncio.timeout(10):
        got += [event async for event in following]
    assert got == ([events[2], *events[4:]] if is_over else events)


async def test_follower_reads_on_where_it_was_when_batches_expire_behind_it(
    runs: Runs, log: EventLog, lease: Lease, forget: Forget
) -> None:
    for number in range(3):
        await log.append(lease, number, said(number))
    events = Follower(runs, lease, Words("en", "r")).events()
    got = [await anext(events) for _ in range(3)]
    forget(3)
    await log.append(lease, 3, said(3) + LAST)
    await runs.leases.end(lease, "clean")
    async with asyncio.timeout(10):
        got += [event async for event in events]
    assert got == [said(number) for number in range(4)]


async def test_run_writes_nothing_down_once_its_thread_is_deleted(
    log: EventLog, lease: Lease, store: DynamoDBStore, rows: Rows
) -> None:
    await log.append(lease, 0, said(0))
    await store.delete_thread("thr_1", USER)
    with pytest.raises(ThreadNotFound):
        await log.append(lease, 1, said(1))
    assert len(rows(keys.EVENT)) == 1


async def test_run_that_lost_its_lease_writes_nothing_down_and_is_over(runs: Runs, lease: Lease, rows: Rows) -> None:
    await runs.leases.end(lease, "broken")
    await runs.leases.take(THREAD, Claim("run-2", "another"))
    causes: asyncio.Queue[Cause] = asyncio.Queue()
    kept = keeper(runs, lease)
    kept.said(said(0))
    kept.start(causes.put_nowait)
    async with asyncio.timeout(10):
        assert await causes.get() == "lost"
    await kept.end()
    assert rows(keys.EVENT) == []


async def test_nothing_comes_back_of_a_thread_whose_run_goes_on_after_the_cascade(
    runs: Runs, lease: Lease, store: DynamoDBStore, cascade: Cascade, rows: Rows
) -> None:
    kept = keeper(runs, lease)
    kept.said(said(0))
    kept.start(lambda _: None)
    async with asyncio.timeout(10):
        while not rows(keys.EVENT):  # noqa: ASYNC110 - it is the table that changes
            await asyncio.sleep(0.02)
    await store.delete_thread("thr_1", USER)
    await cascade.thread(THREAD)
    kept.said(said(1))
    await kept.end()
    assert rows("") == rows(keys.DELETED)


@pytest.mark.parametrize("again", ["resumed", "repeated"])
async def test_what_a_run_said_in_a_deleted_thread_is_told_nobody(app: App, models: PausingModels, again: str) -> None:
    alice, named = app.user("alice"), {HEADER: "the-run-of-a-page-1"}
    models.model.go_on.set()
    models.say("A secret answer")
    sent = json.dumps(request("threads.create", input=message("Hello"))).encode()
    thread_id = (await alice.post(sent, **named)).thread_id
    await alice.send("threads.delete", thread_id=thread_id)
    if again == "resumed":
        answer = await alice.post(json.dumps({"thread_id": thread_id}).encode(), path="/chatkit/resume")
    else:
        answer = await alice.post(sent, **named)
    assert answer.status == 404
    assert b"secret" not in answer.body


async def test_repetition_of_a_creation_whose_thread_is_not_there_yet_follows_it(
    app: App, table: Table, store: DynamoDBStore
) -> None:
    sent = json.dumps(request("threads.create", input=message("Hello"))).encode()
    claim = claim_of(parse(sent, 1_000), "the-run-of-a-page-1", USER)
    leases, log = Leases(table), EventLog(table, Bodies())
    lease = await leases.create(THREAD, claim)
    again = asyncio.create_task(app.user("alice").post(sent, **{HEADER: claim.run_id}))
    async with asyncio.timeout(10):
        while not app.doorway.begun:  # noqa: ASYNC110 - the application counts
            await asyncio.sleep(0.02)
        await store.save_thread(thread(), USER)
        event = b'data: {"type":"progress_update","text":"Looking"}\n\n'
        await log.append(lease, 0, event + LAST)
        await leases.end(lease, "clean")
        assert (await again).body == event
