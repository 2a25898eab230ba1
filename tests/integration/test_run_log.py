"""Who follows a run gets all that it said, in order and once, or is told to reload; of a deleted thread, nothing."""

import asyncio
import json
import time
from collections.abc import Callable

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.runs.follower import Follower
from chat_api.runs.keeper import LAST, Runs
from chat_api.words import Words
from chat_testing.builders import context, thread
from chatkit_aws.runs import Claim, EventLog, Leases, Stops
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.rows import key_attributes
from chatkit_aws.store.table import Table

USER = context("alice", "default")
THREAD = Owner.of("default", "alice").thread("thr_1")
type Forget = Callable[[int], None]
RELOAD = "This is being answered. Reload to see the answer."


@pytest.fixture
def log(table_name: str, dynamodb: DynamoDBClient) -> EventLog:
    return EventLog(Table(table_name, dynamodb, time.time, Retries()), Bodies())


@pytest.fixture
def runs(log: EventLog) -> Runs:
    return Runs(Leases(log.table), Stops(log.table), log, watch_seconds=0.01)


@pytest.fixture
async def lease(runs: Runs, table_name: str, dynamodb: DynamoDBClient) -> Lease:
    await DynamoDBStore(table_name, dynamodb).save_thread(thread(), USER)
    return await runs.leases.take(THREAD, Claim("run-1", "digest"))


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
