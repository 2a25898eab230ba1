"""The same turn on three stores: ours, a conversation as one item, and langgraph-checkpoint-aws.

Each stores a question of 400 bytes and an answer of 2,000 after a history, on the same DynamoDB Local, by one meter.
Ours is the whole server; the second is a store alone; the third is LangGraph with one step and its DynamoDBSaver,
compression on. Ours gives the model the newest 40 items, the others all.
"""

import asyncio
import json
import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import aws_local, dynamodb_local, tokens
from chat_testing.benches import prepare
from chat_testing.metering import Meter, metered
from chat_testing.one_item import OneItemStore, message
from chat_testing.report import show
from chat_testing.repository import ROOT, TOOLS
from chat_testing.table_definition import create_table
from chat_testing.texts import exchanges, history
from chat_testing.turns import TENANT, USER, stage
from chatkit_aws.clients import dynamodb_client, s3_client
from chatkit_aws.ids import UlidIds

COUNTS = (10, 100, 1_000)
ROUNDS = 5
DELAY = 0.05
"""Seconds that each request waits while it is looked for what came in a row."""

type Sample = tuple[Meter, float]
"""What was asked of the table, and seconds for all of the turn."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table; the times are medians."""

    reported: tuple[float, float]
    write_units: float
    read_units: float
    requests: int
    objects: int
    objects_kb: float
    chain: int
    seconds: float
    waiting: float

    @classmethod
    def of(cls, counted: Meter, delayed: Meter, timed: Sequence[Sample]) -> Self:
        """Units from a turn that was counted, what came in a row from one with delays, times from others."""
        return cls(
            counted.reported,
            counted.write_units,
            counted.read_units,
            len(counted.requests),
            0,
            0.0,
            delayed.chain(),
            statistics.median(seconds for _, seconds in timed),
            statistics.median(meter.waiting for meter, _ in timed),
        )

    def cells(self) -> tuple[object, ...]:
        """As the table has them."""
        times = (f"{seconds * 1000:.0f}" for seconds in (self.waiting, self.seconds))
        return (
            self.write_units,
            self.read_units,
            *self.reported,
            self.requests,
            self.objects,
            self.objects_kb,
            self.chain,
            *times,
        )


async def ours(dynamodb: DynamoDBClient, observer: DynamoDBClient, issuer: tokens.TokenIssuer) -> list[Figures]:
    """Turns of the real server."""
    create_table(dynamodb, "ours")
    texts = exchanges()
    async with stage("ours", dynamodb, issuer) as on:

        async def turn(count: int, looking: DynamoDBClient | None = None, delay: float = 0) -> Sample:
            done = await on.turn(await on.thread(history(texts, count, 1)), texts[0], looking, delay)
            return done.meter, done.seconds

        return [await figures(turn, count, observer) for count in COUNTS]


async def figures(turn: Callable[..., Awaitable[Sample]], count: int, observer: DynamoDBClient) -> Figures:
    """A turn that is counted, one whose requests all wait a little, then some that are timed."""
    counted, _ = await turn(count, observer)
    delayed, _ = await turn(count, delay=DELAY)
    return Figures.of(counted, delayed, [await turn(count) for _ in range(ROUNDS)])


async def one_item(dynamodb: DynamoDBClient, observer: DynamoDBClient) -> list[Figures | None]:
    """Turns of a conversation in one item; None where it does not fit."""
    create_table(dynamodb, "one-item")
    store, texts, new_id = OneItemStore("one-item", dynamodb), exchanges(), UlidIds(time.time)

    async def turn(count: int, looking: DynamoDBClient | None = None, delay: float = 0) -> Sample:
        conversation = new_id("thread")
        earlier = enumerate(history(texts, count, 1))
        said = [message("assistant" if number % 2 else "user", text, new_id) for number, text in earlier]
        store.save(f"{TENANT}#{USER}", conversation, said)
        with metered(dynamodb, looking, delay) as meter:
            began = time.perf_counter()
            known = store.load(f"{TENANT}#{USER}", conversation)
            added = [message("user", texts[0].question, new_id), message("assistant", texts[0].answer, new_id)]
            store.save(f"{TENANT}#{USER}", conversation, known + added)
            return meter, time.perf_counter() - began

    results: list[Figures | None] = []
    for count in COUNTS:
        try:
            results.append(await figures(turn, count, observer))
        except ClientError:
            results.append(None)
    return results


def langgraph(dynamodb: str, s3: str) -> dict[str, list[Figures]]:
    """Turns on DynamoDBSaver, for each way in which LangGraph writes checkpoints."""
    bucket = aws_local.make_bucket(s3_client(s3))
    script, python = ROOT / "tests/load/peer_langgraph.py", TOOLS / "peers/bin/python"
    places = ("--dynamodb", dynamodb, "--s3", s3, "--bucket", bucket)
    done = subprocess.run(
        [python, script, *places, "--rounds", str(ROUNDS), "--delay", str(DELAY), *map(str, COUNTS)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support/src")},
        stdout=subprocess.PIPE,
        check=True,
    )
    results: dict[str, list[Figures]] = {}
    for line in json.loads(done.stdout):
        results.setdefault(line["durability"], []).append(_of_peer(line))
    return results


def _of_peer(line: dict[str, Any]) -> Figures:
    times = {name: statistics.median(turn[name] for turn in line["timed"]) for name in ("seconds", "waiting")}
    chain = line["delayed"]["chain"]
    return Figures(**{**line["counted"], **times, "chain": chain})


def main() -> None:
    """Measure and print one table."""
    prepare()
    with dynamodb_local.running() as endpoint, aws_local.running() as s3, tokens.serving() as issuer:
        dynamodb, observer = dynamodb_client(endpoint), dynamodb_client(endpoint)
        results: dict[str, Sequence[Figures | None]] = {
            "ours, the whole server": asyncio.run(ours(dynamodb, observer, issuer)),
            "one item for a conversation": asyncio.run(one_item(dynamodb, observer)),
        }
        for durability, found in langgraph(endpoint, s3).items():
            results[f"langgraph-checkpoint-aws, durability={durability}"] = found
    rows = [
        (name, f"{count:,}", *(found.cells() if found else ("over 400 KB", *("-" * 9))))
        for name, figures_of in results.items()
        for count, found in zip(COUNTS, figures_of, strict=True)
    ]
    head = ("store", "messages before", "write, rule", "read, rule", "write, reported", "read, reported")
    show(
        "one turn: a question of 400 B, an answer of 2,000 B",
        (*head, "requests", "S3 requests", "S3 KB written", "in a row", "waited, ms", "all, ms"),
        rows,
        (
            "in a row: requests one after the other in all of the turn; of ours, two come before the model is asked,"
            " one while it answers, one after it",
            "ours gives the model the newest 40 messages, the others all; LangGraph reads without strong consistency,"
            " for half the units, and with durability=exit it stores nothing of a turn before the turn has ended",
            "waited: at least one request to DynamoDB was under way; all: the turn, with what the framework does",
            f"times are medians of {ROUNDS}; LangGraph's compression (gzip) is on, and S3 takes over above 350 KB",
        ),
    )


if __name__ == "__main__":
    main()
