"""64 writers on one thread, in 8 processes: every acknowledged item is there exactly once, and in order.

In order: items are listed by their time, and each writer's in the order in which it wrote them. Ends with an error
where that is not so; a slow machine is none.

All writes of a thread are transactions with its row. AWS cancels one that meets another there, the emulator lets it
wait; so it is done once on the emulator as it is, and once, shorter, with conflicts as AWS documents them put before
it. All processes share this machine's cores, so each attempt that is cancelled slows the others down, which separate
environments would not.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chat_testing import dynamodb_local
from chat_testing.benches import prepare
from chat_testing.builders import context, thread, user_message
from chat_testing.conflicts import conflicting
from chat_testing.filling import RETENTION
from chat_testing.metering import metered
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.errors import StoreUnavailable
from chatkit_aws.store import DynamoDBStore

TABLE, THREAD, USER = "writers", "thr_1", context("user", "tenant")
PROCESSES, WRITERS = 8, 8
PAGE = 100


@dataclass
class Tally:
    """What one process's writers were told: ids in the order of each writer, and how long each write took."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    seconds_refused: list[float] = field(default_factory=list)
    cancelled: int = 0

    def add(self, other: "Tally") -> None:
        """Take in another process's."""
        self.acknowledged |= other.acknowledged
        self.cancelled += other.cancelled
        for name in ("refused", "seconds", "seconds_refused"):
            getattr(self, name).extend(getattr(other, name))


async def write(store: DynamoDBStore, writer: str, end: float, tally: Tally) -> None:
    """Add one item after the other until `end`, on the clock of the machine."""
    written = tally.acknowledged.setdefault(writer, [])
    number = 0
    while time.time() < end:
        item_id, now = f"{writer}_{number:06}", datetime.now(UTC).replace(tzinfo=None)
        began = time.perf_counter()
        try:
            await store.add_thread_item(
                THREAD, user_message(f"{item_id} says hello", id=item_id, thread_id=THREAD, created_at=now), USER
            )
        except StoreUnavailable:
            tally.refused.append(item_id)
            tally.seconds_refused.append(time.perf_counter() - began)
        else:
            written.append(item_id)
            tally.seconds.append(time.perf_counter() - began)
        number += 1


async def write_all(endpoint: str, process: str, end: float, lock: str | None) -> Tally:
    """What one process does: one store, as in one execution environment, and its writers."""
    client, tally = dynamodb_client(endpoint), Tally()
    store = DynamoDBStore(TABLE, client, retention=RETENTION)
    with conflicting(client, Path(lock)) if lock else contextlib.nullcontext(), metered(client) as meter:
        await asyncio.gather(*(write(store, f"msg_{process}_{writer}", end, tally) for writer in range(WRITERS)))
    tally.cancelled = meter.failed
    return tally


def in_processes(endpoint: str, seconds: float, lock: Path | None) -> Tally:
    """Start all processes, let them write at the same time, and put together what they were told."""
    command = [sys.executable, __file__, "--endpoint", endpoint, *(["--lock", str(lock)] if lock else [])]
    processes = [
        subprocess.Popen([*command, "--process", str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    end, tally = time.time() + seconds, Tally()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{end}\n")
        process.stdin.flush()
    for process in processes:
        said, _ = process.communicate()
        assert process.returncode == 0
        tally.add(Tally(**json.loads(said)))
    return tally


async def listed(store: DynamoDBStore) -> list[Any]:
    """All items of the thread, oldest first, page by page."""
    items: list[Any] = []
    after = None
    while True:
        page = await store.load_thread_items(THREAD, after, PAGE, "asc", USER)
        items += page.data
        if not page.has_more:
            return items
        after = page.after


def faults(tally: Tally, items: Iterable[Any]) -> Iterator[str]:
    """What is wrong with what is listed."""
    order = [(item.created_at, item.id) for item in items]
    ids = [item_id for _, item_id in order]
    counts = Counter(ids)
    acknowledged = {item_id for written in tally.acknowledged.values() for item_id in written}
    if twice := [item_id for item_id, count in counts.items() if count > 1]:
        yield f"{len(twice)} items are listed twice, such as {twice[0]}"
    if lost := acknowledged - counts.keys():
        yield f"{len(lost)} acknowledged items are lost, such as {min(lost)}"
    # One that was refused may have been written: its answer, or the retries' time, was lost.
    if unknown := counts.keys() - acknowledged - set(tally.refused):
        yield f"{len(unknown)} items were never written, such as {min(unknown)}"
    if order != sorted(order):
        yield "the list is not in the order of time"
    for writer, written in tally.acknowledged.items():
        known = set(written)
        if [item_id for item_id in ids if item_id in known] != written:
            yield f"the items of {writer} are not in the order in which it wrote them"


def show_tally(tally: Tally, seconds: float, conflicts: str) -> None:
    """Print what was measured."""
    by_writer = sorted(map(len, tally.acknowledged.values()))
    acknowledged = len(tally.seconds)
    times = [f"{quantile * 1000:,.0f}" for quantile in _quantiles(tally.seconds)]
    late = [f"{quantile * 1000:,.0f}" for quantile in _quantiles(tally.seconds_refused)] or ["-"] * 3
    show(
        f"{PROCESSES} processes of {WRITERS} writers, all on one thread, for {seconds:.0f} s, conflicts as {conflicts}",
        ("outcome", "items", "per second", "p50, ms", "p95, ms", "most, ms"),
        [
            ("acknowledged", f"{acknowledged:,}", acknowledged / seconds, *times),
            ("refused (StoreUnavailable)", f"{len(tally.refused):,}", len(tally.refused) / seconds, *late),
        ],
        (
            f"transactions cancelled and tried again: {tally.cancelled:,};"
            f" acknowledged by writer: {by_writer[0]} to {by_writer[-1]}",
        ),
    )


def _quantiles(seconds: list[float]) -> list[float]:
    """Median, 95th percentile, most."""
    if not seconds:
        return []
    return [statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.95)], max(seconds)]


def measure(seconds: float, lock: Path | None = None) -> bool:
    """Measure and print; whether all is as it should be. With a file to lock, transactions conflict as on AWS."""
    with dynamodb_local.running() as endpoint:
        client = dynamodb_client(endpoint)
        create_table(client, TABLE)
        store = DynamoDBStore(TABLE, client, retention=RETENTION)
        asyncio.run(store.save_thread(thread(THREAD), USER))
        tally = in_processes(endpoint, seconds, lock)
        items = asyncio.run(listed(store))
    show_tally(tally, seconds, "AWS documents them, put before the emulator" if lock else "the emulator has them")
    found = list(faults(tally, items))
    for fault in found:
        print(f"  WRONG: {fault}")
    if not found:
        more = len(items) - len(tally.seconds)
        print(
            f"  every acknowledged item is listed exactly once, in order: met; and {more} whose write was given up on"
        )
    return not found


def main() -> None:
    """Measure, or, told which process this is, write until the time that comes on standard input."""
    prepare()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60.0)
    for name in ("--endpoint", "--process", "--lock"):
        arguments.add_argument(name)
    given = arguments.parse_args()
    if given.process is not None:
        print("ready", flush=True)
        tally = asyncio.run(write_all(given.endpoint, given.process, float(input()), given.lock))
        print(json.dumps(asdict(tally)))
        return
    with tempfile.TemporaryDirectory() as folder:
        is_right = [measure(given.seconds), measure(given.seconds / 3, Path(folder) / "lock")]
    if not all(is_right):
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
