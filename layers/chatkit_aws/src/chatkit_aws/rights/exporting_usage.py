"""What a user's turns used, as a member of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit_aws.rights.archive import USAGE, UsageEntry
from chatkit_aws.usage.report import Report

if TYPE_CHECKING:
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.rights.writing import ArchiveWriter
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.usage.turns import Turn


async def export_usage(storage: Storage, owner: Owner, out: ArchiveWriter) -> dict[str, int]:
    """Write the member and count its lines; no member for none. Raises StoreUnavailable, StoreRefused.

    The counters of days add up the same turns and are not in it. A tenant's counters are no user's data.
    """
    report = Report(storage.bulk, storage.clock)
    pages = report.turns(owner)
    page = await anext(pages, None)
    if page is None:
        return {}
    count = 0
    with out.member(USAGE) as member:
        while page is not None:
            await member.write(b"".join(_line(turn) for turn in page))
            count += len(page)
            page = await anext(pages, None)
    return {"turns_of_usage": count}


def _line(turn: Turn) -> bytes:
    usage = turn.usage
    entry = UsageEntry(
        run_id=turn.run_id,
        began_at=turn.began_at,
        model=turn.model,
        requests=usage.requests,
        input_tokens=usage.input,
        cached_tokens=usage.cached,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        cost_micros=turn.cost,
    )
    return entry.model_dump_json().encode() + b"\n"
