"""Counted turns are a user's data: exported, erased, and the tenant's month stays."""

import json
import zipfile
from pathlib import Path

from chat_testing.metered_users import Counted
from chat_testing.rights import ALICE, BOB, REASON, Place
from chatkit_aws.rights import Account
from chatkit_aws.usage import Limits, Usage

LIMITS = Limits(100, 5, 10_000, 100_000, reserved_tokens=1_000)
USED = Usage(input=300, output=50, cached=200, reasoning=20, requests=2)


async def use(place: Place, account: Account, *run_ids: str) -> None:
    """Turns of a user, the last of which still runs."""
    counted = Counted(place.name, place.dynamodb, place.clock)
    for run_id in run_ids:
        admission = await counted.meter(LIMITS).admit(account.owner, run_id, counted.now + 60)
        if run_id != run_ids[-1]:
            await admission.settle(USED, 42, "gpt-5")


async def test_erasure_removes_all_that_was_counted_of_a_user_and_says_so(place: Place) -> None:
    await use(place, ALICE, "run-1", "run-2", "run-3")
    erased = await place.rights.erase(ALICE, REASON, scan=True)
    assert erased.is_complete
    assert erased.rows == {"request_counters": 1, "running_turns": 1, "days_of_usage": 1, "turns_of_usage": 2}
    assert [key for key in place.rows() if "alice" in str(key)] == []


async def test_erasure_of_one_leaves_others_and_the_month_of_the_tenant(place: Place) -> None:
    await use(place, ALICE, "run-1", "run-2")
    await use(place, BOB, "run-1", "run-2")
    before = place.rows()
    await place.rights.erase(ALICE, REASON, scan=True)
    assert place.rows() == {key: row for key, row in before.items() if not key[0].startswith(ALICE.owner.partition)}
    assert ("TEN#tenant-1#MON#", "MON#2026-11") in place.rows()


async def test_export_has_a_line_for_each_turn_and_none_of_others(place: Place, tmp_path: Path) -> None:
    await use(place, ALICE, "run-1", "run-2")
    await use(place, BOB, "run-of-bob", "run-2")
    exported = await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        [line] = archive.read("usage.jsonl").decode().splitlines()
    assert exported.counts["turns_of_usage"] == 1
    assert json.loads(line) == {
        "run_id": "run-1",
        "began_at": "2026-11-22T00:00:00Z",
        "model": "gpt-5",
        "requests": 2,
        "input_tokens": 300,
        "cached_tokens": 200,
        "output_tokens": 50,
        "reasoning_tokens": 20,
        "cost_micros": 42,
    }


async def test_what_was_used_is_not_imported(place: Place, tmp_path: Path) -> None:
    await place.fill(ALICE)
    await use(place, ALICE, "run-1", "run-2")
    await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    imported = await place.rights.import_archive(BOB, tmp_path / "a.zip", REASON)
    assert imported.counts["threads"] == 3
    assert [key for key in place.rows_of(BOB) if key[1].startswith(("TRN#", "DAY#"))] == []
