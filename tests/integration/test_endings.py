"""Turns are stopped, cut off, killed and sent again, in processes as on Lambda; `make bench` does it more often."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.runs.keeper import Keeper, Runs
from chat_api.runs.spending import Spending
from chat_api.runs.turn import Turn
from chat_testing.endings.rules import Counts, Outcomes, tried
from chat_testing.endings.world import created
from chatkit_aws.runs import Claim, Leases, Stops
from chatkit_aws.store import keys
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.lease import Taking
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table
from chatkit_aws.usage import Prices

SEED = 20261121
COUNTS = Counts(stops=12, cuts=8, kills=8, repeats=1)
PROCESSES = 5


@pytest.fixture(scope="module")
def outcomes(dynamodb_endpoint: str) -> Outcomes:
    """Of all endings at once: most of the time is that of a lease that has to lapse."""

    async def measure() -> Outcomes:
        async with created(dynamodb_endpoint, SEED, PROCESSES) as world:
            return await tried(world, COUNTS)

    return asyncio.run(measure())


@pytest.mark.parametrize("kind", ["stops", "cuts", "kills", "repeats", "firsts", "left"])
def test_turns_that_end_at_any_moment_break_no_rule(outcomes: Outcomes, kind: str) -> None:
    assert getattr(outcomes, kind).faults == []


def test_turns_were_broken_into_while_they_answered(outcomes: Outcomes) -> None:
    assert all(outcome.phases["in the words"] for outcome in (outcomes.stops, outcomes.cuts))


async def test_stop_that_is_seen_when_all_is_said_leaves_the_stream_to_end(
    table_name: str, dynamodb: DynamoDBClient
) -> None:
    table = Table(table_name, dynamodb, time.time, Retries())
    runs = Runs(Leases(table), Stops(table), None, watch_seconds=0.01)
    owner = Owner.of("default", "alice")
    taking = Taking(runs.leases.take(owner.thread("thr_1"), Claim("run-1", "digest")))
    await taking.taken()
    await runs.stops.ask(owner, "run-1")
    is_looking, may_see = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def look(params: dict[str, Any], **_: object) -> None:
        if params["Key"]["sk"]["S"].startswith(keys.STOP):
            loop.call_soon_threadsafe(is_looking.set)
            may_see.wait(10)

    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await is_looking.wait()
        loop.call_later(0.1, may_see.set)  # when the turn waits for this look, to give back its lease

    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", look)
    try:
        turn = Turn(events(), keeper=Keeper(runs, taking, Spending(Prices.of("{}"))))
        async with asyncio.timeout(10):
            assert await turn.first() == b"data: 1\n\n"
            assert [event async for event in turn.rest()] == []
    finally:
        may_see.set()
        dynamodb.meta.events.unregister("provide-client-params.dynamodb.GetItem", look)
    assert await runs.leases.running(owner.thread("thr_1")) is None
