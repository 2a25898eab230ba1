"""Whether a page costs the same from a short list and from a long one: units and time, both directions, anywhere.

The sizes are measured in turn, so that what else the machine does falls on all of them alike.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chatkit.types import Page

from chat_testing import dynamodb_local
from chat_testing.benches import prepare
from chat_testing.builders import context, thread
from chat_testing.filling import RETENTION, Filler
from chat_testing.metering import metered
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chat_testing.texts import exchanges
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner

SIZES = (10, 21, 1_000, 100_000)
PAGE = 20
ROUNDS = 60
TABLE = "pages"
THREAD = "thr_long"
GOAL = 1.2
"""The most that a page of the longest list may take, as a multiple of the same page of the shortest one."""

type Read = Callable[[int, str | None, str], Awaitable[Page[object]]]
"""A page of the list with so many elements, after a cursor, in a direction."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of one kind, one of each size; `ids` are oldest first."""

    kind: str
    ids: Mapping[int, Sequence[str]]
    read: Read

    def cursor(self, size: int, place: str, order: str) -> str | None:
        """What to read after, so that a page of 20 follows."""
        ids = self.ids[size] if order == "asc" else self.ids[size][::-1]
        match place:
            case "first":
                return None
            case "middle":
                return ids[size // 2]
        return ids[-PAGE - 1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one page of one list."""

    units: float
    requests: int
    seconds: float


def user(size: int) -> str:
    """Each list has an owner."""
    return f"user-{size}"


async def fill(store: DynamoDBStore, filler: Callable[[int], Filler], sizes: Sequence[int]) -> tuple[Lists, Lists]:
    """Lists of items and lists of threads, of these sizes."""
    items, threads, text = {}, {}, exchanges()[0].question
    for size in sizes:
        began, writer = time.perf_counter(), filler(size)
        threads[size] = writer.threads(size)
        owner = context(f"{user(size)}-items", "tenant")
        keys = Owner.of(owner.tenant_id, owner.user_id)
        await store.save_thread(thread(THREAD), owner)
        below = Filler(TABLE, writer.client, keys, writer.until)
        items[size] = below.conversation(keys.thread(THREAD), [text] * size)
        print(f"  {size:,} items and {size:,} threads written in {time.perf_counter() - began:.0f} s", flush=True)

    async def read_items(size: int, after: str | None, order: str) -> Page[object]:
        page = await store.load_thread_items(THREAD, after, PAGE, order, context(f"{user(size)}-items", "tenant"))
        return Page(data=list(page.data))

    async def read_threads(size: int, after: str | None, order: str) -> Page[object]:
        page = await store.load_threads(PAGE, after, order, context(user(size), "tenant"))
        return Page(data=list(page.data))

    return Lists("items", items, read_items), Lists("threads", threads, read_threads)


async def measure(lists: Lists, place: str, order: str, sizes: Sequence[int], client: object) -> dict[int, Cost]:
    """The same page of each size, in turn."""
    cursors = {size: lists.cursor(size, place, order) for size in sizes}
    counted = {size: await units(lists, size, cursors[size], order, client) for size in sizes}
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(ROUNDS):
        for size in sizes:
            began = time.perf_counter()
            await lists.read(size, cursors[size], order)
            times[size].append(time.perf_counter() - began)
    return {size: Cost(*counted[size], statistics.median(times[size])) for size in sizes}


async def units(lists: Lists, size: int, cursor: str | None, order: str, client: object) -> tuple[float, int]:
    """Units and requests of one page, which must be as long as it can be."""
    with metered(client) as meter:  # type: ignore[arg-type]  # the stubs' client is not botocore's
        page = await lists.read(size, cursor, order)
    assert len(page.data) == min(size, PAGE), (size, cursor, order, len(page.data))
    return meter.read_units, len(meter.requests)


def row_of(costs: Mapping[int, Cost], sizes: Sequence[int]) -> tuple[object, ...]:
    """Units and times by size, and how the longest list compares with the shortest that has such a page."""
    full = [cost for size, cost in costs.items() if size > PAGE]
    ratio = full[-1].seconds / full[0].seconds
    is_equal = len({(cost.units, cost.requests) for cost in full}) == 1
    cells = [f"{costs[size].units:.0f} / {costs[size].seconds * 1000:.1f}" if size in costs else "-" for size in sizes]
    return (*cells, "equal" if is_equal else "DIFFER", f"{ratio:.2f} {'met' if ratio <= GOAL else 'MISSED'}")


async def main_async(endpoint: str, sizes: Sequence[int]) -> None:
    """Fill, measure, print."""
    client = dynamodb_client(endpoint)
    create_table(client, TABLE)
    now = datetime.now(UTC).replace(tzinfo=None)
    store = DynamoDBStore(TABLE, client, retention=RETENTION)
    print("\npages")
    both = await fill(store, lambda size: Filler(TABLE, client, Owner.of("tenant", user(size)), now), sizes)
    rows: list[tuple[object, ...]] = []
    for lists in both:
        for place in ("first", "middle", "last"):
            fitting = [
                size for size in sizes if size > 2 * PAGE or (size > PAGE and place == "last") or place == "first"
            ]
            for order in ("asc", "desc"):
                costs = await measure(lists, place, order, fitting, client)
                rows.append((f"{lists.kind}, {place}, {order}", *row_of(costs, sizes)))
    show(
        f"a page of {PAGE}, or of all there are: read units / median ms, from lists of",
        ("page", *(f"{size:,}" for size in sizes), "units", f"time (goal {GOAL})"),
        rows,
        (f"time: the longest list by the shortest with more than {PAGE} elements; {ROUNDS} rounds, sizes in turn",),
    )


def main() -> None:
    """Run it on an emulator of its own."""
    prepare()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--most", type=int, default=SIZES[-1], help="elements of the longest list")
    most = arguments.parse_args().most
    with dynamodb_local.running() as endpoint:
        asyncio.run(main_async(endpoint, [*SIZES[:-1], most]))


if __name__ == "__main__":
    main()
