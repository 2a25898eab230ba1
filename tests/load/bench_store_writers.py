"""64 writers on one thread: whatever was acknowledged is there exactly once and in order.

Eight processes of eight writers, each with a client of its own and the patience of production. Times are for reading;
what fails this run is an item that is missing, doubled or out of place.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import dynamodb_local
from chat_testing.builders import context, thread, user_message
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store import DynamoDBStore, Retention

TABLE, OWNER = "writers", context()
PROCESSES, WRITERS = 8, 8


def store_at(endpoint: str) -> DynamoDBStore:
    """The store as production has it."""
    return DynamoDBStore(TABLE, dynamodb_client(endpoint), retention=Retention(365))


async def write(store: DynamoDBStore, name: str, until: float) -> None:
    """Add items until the time is over; says of each whether it was acknowledged, and how long it took."""
    number = 0
    while time.time() < until:
        now = datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)
        item_id, began, outcome = f"{name}-{number}", time.perf_counter(), "acknowledged"
        try:
            await store.add_thread_item("thr_1", user_message(item_id, id=item_id, created_at=now), OWNER)
        except StoreUnavailable:
            outcome = "unavailable"
        print(outcome, item_id, time.perf_counter() - began, flush=True)
        number += 1


async def work(endpoint: str, name: str) -> None:
    """One process's writers; they begin when all processes are ready, and are then told until when to write."""
    store = store_at(endpoint)
    await store.load_thread("thr_1", OWNER)
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    await asyncio.gather(*(write(store, f"{name}-{number}", until) for number in range(WRITERS)))


def run_writers(endpoint: str, seconds: float) -> list[tuple[str, str, float]]:
    """Run all of them; gives what became of each write."""
    command = [sys.executable, __file__, "--endpoint", endpoint, "--name"]
    processes = [
        subprocess.Popen([*command, f"w{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    until = f"{time.time() + seconds}\n"
    with ThreadPoolExecutor(PROCESSES) as readers:
        answers = [answer for answer, _ in readers.map(lambda process: process.communicate(until), processes)]
    assert not any(process.returncode for process in processes), "a writer broke down"
    lines = [line.split() for answer in answers for line in answer.splitlines()]
    return [(outcome, item_id, float(took)) for outcome, item_id, took in lines]


async def stored(endpoint: str) -> list[tuple[datetime, str]]:
    """The thread's items as they are listed, page after page: time and id."""
    store, found, cursor, has_more = store_at(endpoint), list[tuple[datetime, str]](), None, True
    while has_more:
        page = await store.load_thread_items("thr_1", cursor, 100, "asc", OWNER)
        found += [(item.created_at, item.id) for item in page.data]
        cursor, has_more = page.after, page.has_more
    return found


def check(writes: list[tuple[str, str, float]], found: list[tuple[datetime, str]], client: DynamoDBClient) -> list[str]:
    """What is wrong, in words."""
    ids = [item_id for _, item_id in found]
    acknowledged = {item_id for outcome, item_id, _ in writes if outcome == "acknowledged"}
    pages = client.get_paginator("scan").paginate(TableName=TABLE, ProjectionExpression="sk")
    rows = sum(row["sk"]["S"].startswith("ITM#") for page in pages for row in page["Items"])
    wrong = {
        "acknowledged and not there": len(acknowledged - set(ids)),
        "there more than once": len(ids) - len(set(ids)),
        "never written by anybody": len(set(ids) - {item_id for _, item_id, _ in writes}),
        "out of order": sum(one > other for one, other in pairwise(found)),
        "rows that no list shows": rows - len(ids),
    }
    return [f"{count} {what}" for what, count in wrong.items() if count]


def measure(endpoint: str, seconds: float) -> int:
    """Write, check, print; gives the exit status."""
    client = dynamodb_client(endpoint)
    create_table(client, TABLE)
    asyncio.run(store_at(endpoint).save_thread(thread(), OWNER))
    writes = run_writers(endpoint, seconds)
    found = asyncio.run(stored(endpoint))
    wrong = check(writes, found, client)
    times = sorted(took * 1000 for outcome, _, took in writes if outcome == "acknowledged")
    refused = sum(outcome == "unavailable" for outcome, _, _ in writes)
    show(
        f"{PROCESSES * WRITERS} writers on one thread for {seconds:.0f} s",
        ("acknowledged", "unavailable", "a second", "median, ms", "p95, ms", "listed"),
        [
            (
                len(times),
                refused,
                f"{len(times) / seconds:.0f}",
                f"{statistics.median(times):.0f}",
                f"{times[int(len(times) * 0.95)]:.0f}",
                len(found),
            )
        ],
        wrong or ["every acknowledged item is there exactly once and in order"],
    )
    return 1 if wrong else 0


def main() -> int:
    """Be one process of writers, or start them all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--endpoint")
    parser.add_argument("--name", default="")
    given = parser.parse_args()
    if given.endpoint:
        asyncio.run(work(given.endpoint, given.name))
        return 0
    with dynamodb_local.running() as endpoint:
        return measure(endpoint, given.seconds)


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
