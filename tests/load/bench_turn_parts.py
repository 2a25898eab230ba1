"""What each part of a turn costs: the same turn with each part on and off, in write and read units by AWS's rule.

The turn takes so long that its lease is renewed once. A question of 400 bytes, an answer of 2,000, 20 items before it.
"""

import asyncio
import uuid
from collections import Counter
from typing import Any

from chat_api.web.claims import HEADER
from chat_testing import dynamodb_local, tokens
from chat_testing.benches import prepare
from chat_testing.report import show
from chat_testing.table_definition import create_table
from chat_testing.texts import exchanges, history
from chat_testing.turns import WATCH_SECONDS, Turn, of_store, stage
from chatkit_aws.clients import dynamodb_client

SECONDS = 12.0
OFF: dict[str, Any] = {"run_event_minutes": 0, "usage_days": 0}
"""Without everything that a parameter turns off; quotas are off where nothing is said."""
PARTS: dict[str, dict[str, Any]] = {
    "events kept for who comes later": {"run_event_minutes": 15},
    "requests per minute": {"requests_per_minute": 60},
    "concurrent runs": {"concurrent_runs": 5},
    "tokens per day": {"tokens_per_day": 10_000_000},
    "a tenant's tokens per month": {"tenant_tokens_per_month": 10_000_000},
    "usage": {"usage_days": 400},
}


async def turn(
    endpoint: str, issuer: tokens.TokenIssuer, number: int, changes: dict[str, Any], *, named: bool = False
) -> Turn:
    """The turn in a table of its own, with these settings; `named` by the client, as `web/` does it."""
    table, dynamodb, observer = f"parts-{number}", dynamodb_client(endpoint), dynamodb_client(endpoint)
    create_table(dynamodb, table)
    texts = exchanges()
    async with stage(table, dynamodb, issuer, seconds=SECONDS, **{**OFF, **changes}) as on:
        if named:
            on.headers[HEADER] = str(uuid.uuid4())
        return await on.turn(await on.thread(history(texts, 20, 1)), texts[0], observer)


async def measure(endpoint: str, issuer: tokens.TokenIssuer) -> None:
    """Measure all at once, each in a table of its own, and print one table."""
    settings = [{}, *PARTS.values(), {name: value for part in PARTS.values() for name, value in part.items()}]
    bare, *each, everything, named = await asyncio.gather(
        *(turn(endpoint, issuer, number, changes) for number, changes in enumerate(settings)),
        turn(endpoint, issuer, len(settings), {}, named=True),
    )
    rows = [
        ("thread and items", "always", *amounts(bare, "store")),
        ("lease: taken, required twice, renewed once, given back", "always", *amounts(bare, "RUN")),
        ("name: looked up, and kept for a day", f"header {HEADER}", *amounts(named, "NAM")),
        (f"looking for a stop every {WATCH_SECONDS:g} s", "always", *amounts(bare, "STP")),
        *((name, " ".join(PARTS[name]), *added(with_it, bare)) for name, with_it in zip(PARTS, each, strict=True)),
        ("all that can be off is off", "", *totals(bare)),
        ("all on", "", *totals(everything)),
    ]
    show(f"the parts of a turn of {SECONDS:.0f} s", ("part", "setting", "write units", "read units"), rows)


def units(on: Turn) -> tuple[Counter[str], Counter[str]]:
    """Write and read units by the kind of rows."""
    return on.meter.write_units_by_kind(), on.meter.read_units_by_kind()


def amounts(on: Turn, kind: str) -> tuple[float, ...]:
    """Write and read units of one kind of rows, or of the store."""
    return tuple(of_store(found) if kind == "store" else found[kind] for found in units(on))


def totals(on: Turn) -> tuple[float, ...]:
    """Write and read units of a turn."""
    return tuple(float(found.total()) for found in units(on))


def added(on: Turn, bare: Turn) -> tuple[float, ...]:
    """How many units a turn takes more than the bare one."""
    return tuple(more - less for more, less in zip(totals(on), totals(bare), strict=True))


def main() -> None:
    """Run it on an emulator of its own."""
    prepare()
    with dynamodb_local.running() as endpoint, tokens.serving() as issuer:
        asyncio.run(measure(endpoint, issuer))


if __name__ == "__main__":
    main()
