"""A run is looked after while the table hangs: what waits for one answer holds up nothing else, and no deadline."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.runs import keeper
from chat_api.runs.ending import Cause
from chat_api.runs.keeper import LAST, Keeper, Runs
from chat_api.runs.spending import Spending
from chat_testing.builders import context, thread
from chatkit_aws.runs import Claim, EventLog, Leases, Stops
from chatkit_aws.store import DynamoDBStore, keys
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.calls import deadline
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease, Taking
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table
from chatkit_aws.usage import Prices

USER = context("alice", "default")
OWNER = Owner.of("default", "alice")
THREAD = OWNER.thread("thr_1")


@pytest.fixture
def runs(table_name: str, dynamodb: DynamoDBClient) -> Runs:
    table = Table(table_name, dynamodb, time.time, Retries())
    return Runs(Leases(table), Stops(table), EventLog(table, Bodies()), watch_seconds=0.05)


@pytest.fixture
async def lease(runs: Runs, table_name: str, dynamodb: DynamoDBClient) -> Lease:
    await DynamoDBStore(table_name, dynamodb).save_thread(thread(), USER)
    return await runs.leases.take(THREAD, Claim("run-1", "digest"))


@pytest.fixture
async def kept(runs: Runs, lease: Lease) -> AsyncIterator[Keeper]:
    """The keeper of a run that has begun, and is ended."""

    async def taken() -> Lease:
        return lease

    made = Keeper(runs, Taking(taken()), Spending(Prices.of("{}")))
    yield made
    await made.end()


class Hanging:
    """Requests that name a key hang until `go_on` is set; `begun` is set once one does."""

    def __init__(self, *names: str) -> None:
        self._names = [name.encode() for name in names]
        self.begun, self.go_on = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> None:
        body = request.body
        assert isinstance(body, bytes)
        if any(name in body for name in self._names):
            self._loop.call_soon_threadsafe(self.begun.set)
            self.go_on.wait(20)


@contextmanager
def hanging(dynamodb: DynamoDBClient, *names: str) -> Iterator[Hanging]:
    made = Hanging(*names)
    dynamodb.meta.events.register("before-send.dynamodb", made)
    try:
        yield made
    finally:
        made.go_on.set()
        dynamodb.meta.events.unregister("before-send.dynamodb", made)


@pytest.mark.parametrize("what", ["the log", "a renewal"])
async def test_stop_is_seen_while_something_else_hangs(
    runs: Runs, dynamodb: DynamoDBClient, kept: Keeper, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.0 if what == "a renewal" else 60.0)
    causes: asyncio.Queue[Cause] = asyncio.Queue()
    with hanging(dynamodb, keys.EVENT if what == "the log" else ":until") as hang:
        kept.said(b"data: 1\n\n")
        kept.start(causes.put_nowait)
        async with asyncio.timeout(5):
            await hang.begun.wait()
            await runs.stops.ask(OWNER, "run-1")
            assert await causes.get() == "stopped"
        assert not hang.go_on.is_set()


async def test_lease_is_renewed_while_the_log_hangs(
    runs: Runs, lease: Lease, dynamodb: DynamoDBClient, kept: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    causes: asyncio.Queue[Cause] = asyncio.Queue()
    with hanging(dynamodb, keys.EVENT) as hang:
        kept.said(b"data: 1\n\n")
        kept.start(causes.put_nowait)
        async with asyncio.timeout(5):
            await hang.begun.wait()
            await runs.leases.end(lease, "broken")
            await runs.leases.take(THREAD, Claim("run-2", "another"))
            monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.0)
            assert await causes.get() == "lost"


async def test_run_ends_by_its_deadline_although_neither_look_nor_log_is_answered(
    dynamodb: DynamoDBClient, kept: Keeper
) -> None:
    with hanging(dynamodb, keys.EVENT, keys.STOP) as hang:
        kept.said(b"data: 1\n\n")
        until = time.time() + 0.5
        kept.start(lambda _: None, until)
        deadline.set(until)  # as the turn does, in a context that the keeper's tasks do not see
        await hang.begun.wait()
        began = time.monotonic()
        await kept.end()
        assert time.monotonic() - began < 2


async def test_end_waits_for_no_look(runs: Runs, dynamodb: DynamoDBClient, kept: Keeper) -> None:
    with hanging(dynamodb, keys.STOP) as hang:
        kept.start(lambda _: None)
        async with asyncio.timeout(5):
            await hang.begun.wait()
            await kept.end()
    assert await runs.leases.running(THREAD) is None


async def test_rest_is_written_behind_the_batch_that_is_under_way(
    runs: Runs, lease: Lease, dynamodb: DynamoDBClient, kept: Keeper
) -> None:
    assert runs.log is not None
    with hanging(dynamodb, keys.EVENT) as hang:
        kept.said(b"data: 1\n\n")
        kept.start(lambda _: None)
        await hang.begun.wait()
        kept.said(b"data: 2\n\n")
        ending = asyncio.create_task(kept.end())
        await asyncio.sleep(0.1)
        assert not ending.done()
        hang.go_on.set()
        await ending
    assert await runs.log.read(lease, 0) == (b"data: 1\n\ndata: 2\n\n" + LAST, 2)
