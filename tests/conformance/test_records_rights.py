"""Records are a user's data: exported, imported, erased, and kept under legal hold."""

import hashlib
import json
import uuid
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from types_boto3_kms.client import KMSClient

from chat_testing import aws_local, strategies
from chat_testing.builders import context
from chat_testing.kept_records import Note, fill, notes, rows, seen
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, NOW, REASON, Place
from chatkit_aws.errors import RecordsFull, UnknownFormat
from chatkit_aws.records import Record
from chatkit_aws.rights import Account
from chatkit_aws.rights.audit import AuditLog
from chatkit_aws.rights.errors import AlreadyThere, InvalidArchive
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.retention import DAY

USER, OTHER = context("alice"), context("bob")


@pytest.fixture(params=["plain", "sealed"])
def either(place: Place, request: pytest.FixtureRequest, kms: KMSClient) -> Place:
    if request.param == "plain":
        return place
    aws_local.make_key(kms, alias := f"alias/records-{uuid.uuid4().hex}")
    return replace(place, cipher=EnvelopeCipher(kms, alias))


def essence(found: list[Record[Note]]) -> list[Record[Note]]:
    """Versions begin anew."""
    return [replace(record, version=1) for record in found]


def lines(path: Path, member: str) -> list[Any]:
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read(member).decode().splitlines()]


async def test_export_has_a_line_for_each_record_and_none_of_others(either: Place, tmp_path: Path) -> None:
    kept = await fill(either)
    await fill(either, BOB)
    exported = await either.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    assert exported.counts["records"] == 4
    found = lines(path, "records/000001.jsonl")
    assert [line["id"] for line in found] == [record.id for record in kept]
    assert found[0] == {
        "name": "note",
        "id": kept[0].id,
        "created_at": "2026-11-22T00:00:00Z",
        "changed_at": "2026-11-22T00:03:00.250000Z",
        "keep_days": 30,
        "value": {"value": {"a": [1, 2.5, None, "word"]}},
    }
    assert (found[3]["name"], found[3]["keep_days"]) == ("other", 0)


async def test_import_brings_them_back_with_their_times_and_days(either: Place, tmp_path: Path) -> None:
    kept = await fill(either)
    await either.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    assert (await either.rights.erase(ALICE, REASON)).is_complete
    assert rows(either) == {}
    either.clock.now += 2 * DAY

    imported = await either.rights.import_archive(ALICE, path, REASON)

    assert imported.counts == {"threads": 0, "items": 0, "records": 4}
    assert await seen(either, ALICE) + await seen(either, ALICE, "other") == essence(kept)
    expiries = [row.get("expires_at", {}).get("N") for row in rows(either).values()]
    assert expiries == [str(NOW + 33 * DAY)] * 3 + [None]


@settings(max_examples=20)
@given(st.lists(strategies.json_values, min_size=1, max_size=3))
async def test_archive_of_any_values_moves_to_another_account(place: Place, tmp_path: Path, values: list[Any]) -> None:
    old, new = (Account("t", uuid.uuid4().hex) for _ in range(2))
    for value in values:
        await notes(place).add(Note(value=value), context(old.user, old.tenant))
    await place.rights.export(old, path := tmp_path / old.user, REASON)
    await place.rights.import_archive(new, path, REASON)
    assert await seen(place, new) == await seen(place, old)
    stored = [[row["body"] for row in rows(place, account).values()] for account in (old, new)]
    assert stored[0] == stored[1]


async def test_many_records_are_in_several_members_and_all_come_back(place: Place, tmp_path: Path) -> None:
    for number in range(230):
        await notes(place).add(Note(value=number), USER)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    assert [len(lines(path, f"records/00000{number}.jsonl")) for number in (1, 2, 3)] == [100, 100, 30]
    await place.rights.import_archive(BOB, path, REASON)
    assert await seen(place, BOB) == await seen(place, ALICE)


async def test_imported_records_count_and_may_be_more_than_may_be_added(place: Place, tmp_path: Path) -> None:
    await fill(place)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    await place.rights.import_archive(BOB, path, REASON)
    few = notes(place, most=3)
    with pytest.raises(RecordsFull):
        await few.add(Note(value="one too many"), OTHER)
    await few.remove((await seen(place, BOB))[0].id, OTHER)
    await few.add(Note(value="in its place"), OTHER)
    with pytest.raises(RecordsFull):
        await few.add(Note(value="one too many"), OTHER)


async def test_records_that_are_there_are_refused_or_left_alone(place: Place, tmp_path: Path) -> None:
    kept = await fill(place)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    await notes(place).remove(kept[1].id, USER)
    changed = await notes(place).change(kept[0].id, lambda _: Note(value="newer"), USER)
    before = place.rows()
    with pytest.raises(AlreadyThere) as refused:
        await place.rights.import_archive(ALICE, path, REASON)
    assert refused.value.count == 3
    assert place.rows() == before
    imported = await place.rights.import_archive(ALICE, path, REASON, skip_existing=True)
    assert imported.counts == {"threads": 0, "items": 0, "records": 1, "skipped_records": 3}
    assert await seen(place, ALICE) == [changed, kept[1], kept[2]]


@pytest.mark.parametrize("seed", range(4))
async def test_import_that_is_killed_again_and_again_is_finished_by_the_same_command(
    place: Place, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    kept = await fill(place, count=12)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    for _ in range(8):
        at, is_carried_out = random.randint(1, 15), random.random() < 0.5
        with killed_at(at, place.dynamodb, is_carried_out=is_carried_out), suppress(Killed):
            await place.rights.import_archive(BOB, path, REASON)
            break
    else:
        assert (await place.rights.import_archive(BOB, path, REASON)).counts["records"] == 13
    assert await seen(place, BOB) + await seen(place, BOB, "other") == essence(kept)
    counts = {key[1]: row["records"]["N"] for key, row in place.rows_of(BOB).items() if key[1].startswith("RCN#")}
    assert counts == {"RCN#note": "12", "RCN#other": "1"}
    assert all(not sort_key.startswith("IMP#") for _, sort_key in place.rows_of(BOB))


async def test_member_that_is_written_stays_as_the_user_left_it(place: Place, tmp_path: Path) -> None:
    many = notes(place)
    for number in range(150):
        await many.add(Note(value=number), USER)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    with killed_at(130, place.dynamodb, is_carried_out=True), suppress(Killed):
        await place.rights.import_archive(BOB, path, REASON)
    there = await seen(place, BOB)
    assert 100 < len(there) < 150
    assert await notes(place).remove(there[0].id, OTHER)
    imported = await place.rights.import_archive(BOB, path, REASON)
    assert imported.counts["records"] == 150
    assert [record.value.value for record in await seen(place, BOB)] == list(range(1, 150))


def rewritten(path: Path, **fields: Any) -> Path:
    """The archive with other fields in its first record, and a manifest that fits."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    first, *rest = members["records/000001.jsonl"].splitlines(keepends=True)
    entry = {name: value for name, value in (json.loads(first) | fields).items() if value != "left out"}
    members["records/000001.jsonl"] = b"".join([json.dumps(entry).encode() + b"\n", *rest])
    manifest = json.loads(members.pop("manifest.json"))
    manifest["members"] = {
        name: {"sha256": hashlib.sha256(text).hexdigest(), "size": len(text)} for name, text in members.items()
    }
    changed = path.with_name(f"{uuid.uuid4().hex}.zip")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, text in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, text)
    return changed


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "a name that is none": {"name": "Note#"},
    "no name": {"name": "left out"},
    "an id that is none": {"id": "rec_1"},
    "an id of another kind": {"id": "thr_01KASVN8Z0T4XN8ZC6V2M1QEJB"},
    "an id beyond all times": {"id": "rec_7ZZZZZZZZZT4XN8ZC6V2M1QEJB"},
    "a change before all times": {"changed_at": "0001-01-01T00:00:00+23:00"},
    "a time without a zone": {"changed_at": "2026-11-22T00:00:00"},
    "days that are none": {"keep_days": -1},
    "days without end": {"keep_days": 10**12},
    "a value that is too large": {"value": "x" * 100_001},
    "half of a surrogate pair": {"value": "\ud800"},
    "a field of a later version": {"new": 1},
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
async def test_archive_with_a_record_that_cannot_be_kept_is_refused(place: Place, tmp_path: Path, name: str) -> None:
    await fill(place)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    before = place.rows()
    with pytest.raises(InvalidArchive):
        await place.rights.import_archive(BOB, rewritten(path, **IMPOSSIBLE[name]), REASON)
    assert place.rows() == before


async def test_archive_with_a_record_twice_is_refused(place: Place, tmp_path: Path) -> None:
    kept = await fill(place)
    await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    with pytest.raises(InvalidArchive):
        await place.rights.import_archive(BOB, rewritten(path, id=kept[1].id), REASON)


@pytest.mark.parametrize("body", [b"\x09of a later version", b"\x01\x0fdamaged", b"\x02sealed, and no key is given"])
async def test_record_that_cannot_be_read_is_named_and_the_rest_is_exported(
    place: Place, tmp_path: Path, body: bytes
) -> None:
    kept = await fill(place)
    row = rows(place)[f"REC#note#{kept[1].id}"]
    place.dynamodb.put_item(TableName=place.name, Item={**row, "body": {"B": body}})
    exported = await place.rights.export(ALICE, path := tmp_path / "a.zip", REASON)
    assert exported.lost == [{"kind": "record", "id": kept[1].id, "thread_id": None}]
    assert (exported.counts["records"], exported.counts["lost"]) == (3, 1)
    assert (await place.rights.import_archive(BOB, path, REASON)).counts["records"] == 3


async def test_nothing_that_can_be_read_is_no_archive(place: Place, tmp_path: Path) -> None:
    added = await notes(place).add(Note(value=1), USER)
    row = rows(place)[f"REC#note#{added.id}"]
    place.dynamodb.put_item(TableName=place.name, Item={**row, "body": {"B": b"\x02sealed"}})
    with pytest.raises(UnknownFormat):
        await place.rights.export(ALICE, tmp_path / "a.zip", REASON)


async def test_expired_record_is_not_exported(place: Place, tmp_path: Path) -> None:
    await fill(place)
    place.clock.now += 40 * DAY
    exported = await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    assert exported.counts["records"] == 1  # of the name that is kept for ever


async def test_erasure_removes_all_records_says_so_and_leaves_others(place: Place) -> None:
    await fill(place, BOB)
    before = place.rows()
    await fill(place)
    erased = await place.rights.erase(ALICE, REASON)
    assert erased.is_complete
    assert erased.rows == {"records": 4, "record_counts": 2}
    assert place.rows() == before


async def test_uses_are_on_record(place: Place, tmp_path: Path) -> None:
    await fill(place)
    await place.rights.export(ALICE, tmp_path / "a.zip", REASON)
    place.clock.now += 1
    await place.rights.place_hold(ALICE, REASON)
    found = [record async for page in AuditLog(place.storage).records("tenant-1") for record in page]
    assert [(one.action, one.outcome, one.counts.get("records")) for one in found] == [
        ("export", "begun", None),
        ("export", "done", 4),
        ("hold place", "begun", None),
        ("hold place", "done", 4),
    ]
    assert "word" not in repr(found)
