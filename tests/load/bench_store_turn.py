"""What a typical turn costs: a question of 400 bytes, an answer of 2,000, 20 items before it, the real server.

Three figures have a goal: write units, read units, and how many requests come one after the other before the model is
asked. Units are given as DynamoDB Local reports them and by the documented rule; the goal is for the rule's, since the
emulator counts too little in transactions (`chat_testing.capacity`).
"""
# ruff: noqa: T201 - its output is its purpose

import asyncio
import statistics
from collections import Counter
from collections.abc import Sequence

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import dynamodb_local, tokens
from chat_testing.benches import prepare
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chat_testing.texts import Exchange, exchanges, history
from chat_testing.turns import Stage, Turn, of_store, stage
from chatkit_aws.clients import dynamodb_client

ITEMS = 20
DELAY = 0.05
"""Seconds that each request waits, so that those under way at the same time overlap for certain, whatever else the
machine does; what was sent only after an answer then shows."""
WRITE_UNITS, READ_UNITS, CHAIN = 12, 8, 2
"""The goals."""


async def counted(on: Stage, observer: DynamoDBClient, texts: Sequence[Exchange]) -> list[Turn]:
    """A turn for each text, in a thread of its own."""
    return [
        await on.turn(await on.thread(history(texts, ITEMS, number + 1)), exchange, observer)
        for number, exchange in enumerate(texts)
    ]


async def delayed(on: Stage, texts: Sequence[Exchange]) -> Turn:
    """A turn whose every request takes DELAY longer."""
    return await on.turn(await on.thread(history(texts, ITEMS, 1)), texts[0], delay=DELAY)


def show_units(texts: Sequence[Exchange], turns: Sequence[Turn]) -> None:
    """Units by text."""
    rows = [
        (text.name, *turn.meter.reported, *of_the_store(turn), len(turn.meter.requests))
        for text, turn in zip(texts, turns, strict=True)
    ]
    by_units = Counter(of_the_store(turn)[0] for turn in turns)
    spread = ", ".join(f"{count} of {len(turns)} turns {units:.0f}" for units, count in sorted(by_units.items()))
    median = statistics.median(of_the_store(turn)[0] for turn in turns)
    reads = max(of_the_store(turn)[1] for turn in turns)
    show(
        f"a turn: question 400 B, answer 2,000 B, {ITEMS} items before it",
        ("text", "write, reported", "read, reported", "write of the store", "read of the store", "requests"),
        rows,
        (
            f"write units by the rule: {spread}",
            f"their median: {median:.0f} (goal {WRITE_UNITS}: {met(median <= WRITE_UNITS)})",
            f"read units: at most {reads:.0f} (goal {READ_UNITS}: {met(reads <= READ_UNITS)})",
        ),
    )


def of_the_store(turn: Turn) -> tuple[float, float]:
    """Write and read units by the rule, of threads and items."""
    return of_store(turn.meter.write_units_by_kind()), of_store(turn.meter.read_units_by_kind())


def show_requests(turn: Turn) -> None:
    """The requests of one turn, in the order in which they began."""
    requests = sorted(turn.meter.requests, key=lambda request: request.began)
    first = requests[0].began
    rows = [
        (
            request.operation,
            f"{(request.began - first) * 1000:.0f}",
            f"{(request.ended - first) * 1000:.0f}",
            request.reported,
        )
        for request in requests
    ]
    show(
        f"the same turn with every request {DELAY * 1000:.0f} ms longer",
        ("request", "began, ms", "ended, ms", "units, reported"),
        rows,
        (
            f"one after the other before the model is asked: {turn.chain} (goal {CHAIN}: {met(turn.chain <= CHAIN)});"
            f" it was asked after {turn.until_model * 1000:.0f} ms, {turn.until_model / DELAY:.1f} times the delay",
        ),
    )


def met(is_met: bool) -> str:
    """A verdict."""
    return "met" if is_met else "MISSED"


async def measure(dynamodb: DynamoDBClient, observer: DynamoDBClient, issuer: tokens.TokenIssuer) -> None:
    """Measure and print."""
    create_table(dynamodb, "turns")
    texts = exchanges()
    async with stage("turns", dynamodb, issuer) as on:
        show_units(texts, await counted(on, observer, texts))
        first = await on.turn(await on.thread(history(texts, ITEMS, 1), days_ago=1), texts[0], observer)
        print(f"  write units of a thread's first turn on a day, which moves its expiry: {of_the_store(first)[0]:.0f}")
        show_requests(await delayed(on, texts))


def main() -> None:
    """Run it on an emulator of its own."""
    prepare()
    with dynamodb_local.running() as endpoint, tokens.serving() as issuer:
        asyncio.run(measure(dynamodb_client(endpoint), dynamodb_client(endpoint), issuer))


if __name__ == "__main__":
    main()
