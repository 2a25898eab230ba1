"""An export holds all that is a user's and nothing of anybody else's; it is complete, or not there."""

import hashlib
import json
import os
import stat
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chat_testing.boto_calls import answered, error, recorded
from chat_testing.builders import after, context, file_attachment, incompressible, thread, user_message
from chat_testing.rights import ALICE, BOB, LARGE, REASON, Place
from chatkit_aws.errors import StoreRefused, StoreUnavailable, UnknownFormat
from chatkit_aws.rights import Account, DataRights, Storage
from chatkit_aws.rights.errors import ArchiveExists
from chatkit_aws.store import object_names
from chatkit_aws.store.retention import DAY

USER = context("alice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def status(path: Path) -> os.stat_result:
    return path.stat()


def lines(found: dict[str, bytes], suffix: str) -> list[Any]:
    return [json.loads(line) for name, text in found.items() if name.endswith(suffix) for line in text.splitlines()]


async def test_nothing_of_others_is_in_it(place: Place, path: Path) -> None:
    others = [BOB, Account("tenant-1", "alic"), Account("tenant-1", "alice#"), Account("tenant-2", "alice")]
    await place.fill(ALICE, "own-word")
    for number, other in enumerate(others):
        await place.fill(other, f"canary-{number}")

    await place.rights.export(ALICE, path, REASON)

    found = members(path)
    assert all(b"canary" not in text for text in found.values())
    assert sum(text.count(b"own-word") for text in found.values()) > 8


async def test_manifest_says_what_is_in_it_and_proves_it(place: Place, path: Path) -> None:
    await place.fill(ALICE)
    exported = await place.rights.export(ALICE, path, REASON)

    found = members(path)
    manifest = json.loads(found["manifest.json"])
    assert (manifest["format"], manifest["version"]) == ("chatkit-aws/export", 1)
    assert (manifest["tenant"], manifest["user"]) == ("tenant-1", "alice")
    assert manifest["exported_at"] == "2026-11-22T00:01:00Z"
    assert manifest["counts"] == exported.counts
    assert exported.digest == hashlib.sha256(found.pop("manifest.json")).hexdigest()
    digests = {name: {"sha256": hashlib.sha256(text).hexdigest(), "size": len(text)} for name, text in found.items()}
    assert manifest["members"] == digests


async def test_hidden_items_titles_and_times_are_readable(place: Place, path: Path) -> None:
    await place.fill(ALICE)
    await place.rights.export(ALICE, path, REASON)

    found = members(path)
    entry = json.loads(found["threads/000001/thread.json"])
    assert (entry["thread"]["title"], entry["user_title"]) == ("word title", "word own title")
    assert entry["thread"]["created_at"] == "2026-11-21T12:00:00.123456"
    items = lines(found, "000001/items.jsonl")
    assert [item["id"] for item in items] == ["msg_1", "msg_2", "wid_1", "wf_1", "e_1", "h_1", "m_other"]
    assert [item["content"] for item in items if item["type"] == "hidden_context_item"] == [{"hidden": "word"}]
    given = {entry["item_id"]: (entry["kind"], entry["created_at"]) for entry in lines(found, "feedback.jsonl")}
    assert given == {
        "msg_2": ("negative", "2026-11-22T00:00:00Z"),
        "wid_1": ("positive", "2026-11-22T00:01:00Z"),
    }


async def test_what_has_expired_is_not_in_it_and_what_is_held_is(place: Place, path: Path) -> None:
    await place.store.save_thread(thread("old"), USER)
    await place.store.save_thread(thread("old-held"), context("bob"))
    await place.rights.place_hold(BOB, REASON)
    place.clock.now += 40 * DAY
    await place.store.save_thread(thread("new", created_at=after(1)), USER)

    await place.rights.export(ALICE, path, REASON)
    await place.rights.export(BOB, path.with_name("bob.zip"), REASON)

    assert [entry["thread"]["id"] for entry in lines(members(path), "thread.json")] == ["new"]
    assert len(lines(members(path.with_name("bob.zip")), "thread.json")) == 1


async def test_user_without_data_has_an_archive_without_any(place: Place, path: Path) -> None:
    exported = await place.rights.export(Account("tenant-1", "nobody"), path, REASON)
    assert list(members(path)) == ["manifest.json"]
    assert set(exported.counts.values()) == {0}


async def test_file_is_for_its_owner_only(place: Place, path: Path) -> None:
    await place.rights.export(ALICE, path, REASON)
    assert stat.S_IMODE(status(path).st_mode) == 0o600


async def test_file_that_is_there_stays(place: Place, path: Path) -> None:
    await place.rights.export(BOB, path, REASON)
    before = status(path)
    with pytest.raises(ArchiveExists):
        await place.rights.export(ALICE, path, REASON)
    assert status(path) == before


@pytest.mark.parametrize(("operation", "kind"), [("GetObject", StoreRefused), ("ListObjectsV2", StoreUnavailable)])
async def test_export_that_fails_leaves_no_file(
    place: Place, path: Path, operation: str, kind: type[Exception]
) -> None:
    await place.fill(ALICE)
    answer = error("AccessDenied", 403) if kind is StoreRefused else error("SlowDown", 503)
    with recorded(place.s3, operation, *[answer] * 9), pytest.raises(kind):
        await place.rights.export(ALICE, path, REASON)
    assert list(path.parent.iterdir()) == []


async def test_item_whose_object_is_lost_is_counted(place: Place, path: Path) -> None:
    await place.fill(ALICE)
    [name] = [name for name in place.objects() if name.startswith("items/")]
    place.s3.delete_object(Bucket=place.bucket, Key=name)

    exported = await place.rights.export(ALICE, path, REASON)

    assert exported.counts["lost"] == 1
    assert exported.counts["items"] == 7
    assert exported.lost == [{"kind": "item", "id": "msg_2", "thread_id": "thr_1"}]
    assert not exported.is_complete


@pytest.mark.parametrize("body", [b"\x09of a later version", b"\x01\x0fdamaged", b"\x02sealed, and no key is given"])
async def test_rows_that_cannot_be_read_are_named_and_the_rest_is_exported(
    place: Place, path: Path, body: bytes
) -> None:
    await place.fill(ALICE)
    await place.store.save_feedback("thr_1", "msg_1", "positive", USER)
    first, third = ALICE.owner.thread("thr_1"), ALICE.owner.thread("thr_3")
    for key, name in [
        (first.item(after(0), "msg_1"), "body"),
        (first.row, "title"),
        (first.feedback("msg_1"), "body"),
        (third.row, "body"),
        (ALICE.owner.attachment("atc_1"), "body"),
    ]:
        row = place.rows()[key.pk, key.sk]
        place.dynamodb.put_item(TableName=place.name, Item={**row, name: {"B": body}})

    exported = await place.rights.export(ALICE, path, REASON)

    named = [
        {"kind": "user_title", "id": "thr_1", "thread_id": None},
        {"kind": "item", "id": "msg_1", "thread_id": "thr_1"},
        {"kind": "feedback", "id": "thr_1", "thread_id": None},
        {"kind": "thread", "id": "thr_3", "thread_id": None},
        {"kind": "attachment", "id": "atc_1", "thread_id": None},
    ]
    assert not exported.is_complete
    assert exported.lost == lines(members(path), "lost.jsonl") == named
    assert exported.counts == {
        "threads": 3,
        "items": 7,
        "feedback": 0,
        "attachments": 1,
        "files": 1,
        "lost": 5,
    }
    imported = await place.rights.import_archive(BOB, path, REASON)
    assert (imported.counts["threads"], imported.counts["items"]) == (3, 7)


async def test_nothing_that_can_be_read_is_no_archive(place: Place, path: Path) -> None:
    await place.store.save_thread(thread(), USER)
    key = ALICE.owner.thread("thr_1").row
    row = place.rows()[key.pk, key.sk]
    place.dynamodb.put_item(TableName=place.name, Item={**row, "body": {"B": b"\x02sealed"}})
    with pytest.raises(UnknownFormat):
        await place.rights.export(ALICE, path, REASON)
    assert list(path.parent.iterdir()) == []


async def test_large_file_is_read_piece_by_piece(place: Place, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit_aws.rights.files.CHUNK", 100_000)
    data = incompressible(250_001).encode()
    await place.store.save_attachment(file_attachment("atc_1"), USER)
    place.put_file(ALICE, "atc_1", "large", data)

    with recorded(place.s3, "GetObject") as calls:
        await place.rights.export(ALICE, path, REASON)

    assert len(calls.operations) == 3
    assert members(path)["files/000001"] == data


async def test_file_that_breaks_off_is_read_again(place: Place, path: Path) -> None:
    await place.store.save_attachment(file_attachment("atc_1"), USER)
    place.put_file(ALICE, "atc_1", "notes", b"notes")
    broken = [answered(b"no", {"Content-Length": "5"})] * 2

    with recorded(place.s3, "GetObject", *broken):
        await place.rights.export(ALICE, path, REASON)
    assert members(path)["files/000001"] == b"notes"

    with recorded(place.s3, "GetObject", *broken, *broken), pytest.raises(StoreUnavailable):
        await place.rights.export(ALICE, path.with_name("b.zip"), REASON)


async def test_store_without_a_bucket_is_exported_and_erased(place: Place, path: Path) -> None:
    await place.store.save_thread(thread(), USER)
    await place.store.save_attachment(file_attachment("atc_1"), USER)
    rights = DataRights(Storage.of(place.name, place.dynamodb, clock=place.clock), "operator-1")

    exported = await rights.export(ALICE, path, REASON)
    erased = await rights.erase(ALICE, REASON)

    assert exported.counts == {"threads": 1, "items": 0, "feedback": 0, "attachments": 1, "files": 0}
    assert erased.is_complete
    assert place.rows() == {}


async def test_file_that_is_replaced_while_it_is_read_is_refused(
    place: Place, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatkit_aws.rights.files.CHUNK", 100_000)
    await place.store.save_attachment(file_attachment("atc_1"), USER)
    place.put_file(ALICE, "atc_1", "large", b"a" * 150_000)

    def replacing(request: Any) -> Any:
        place.s3.put_object(Bucket=place.bucket, Key=name, Body=b"b" * 150_000)

    name = object_names.attachment(ALICE.owner, "atc_1") + "large"
    with recorded(place.s3, "GetObject", replacing), pytest.raises(StoreRefused, match="PreconditionFailed"):
        await place.rights.export(ALICE, path, REASON)


async def test_memory_does_not_grow_with_the_thread(place: Place, path: Path) -> None:
    await place.store.save_thread(thread(), USER)
    text = incompressible(60_000)
    for number in range(500):
        await place.store.add_thread_item("thr_1", user_message(text, id=f"m{number}", created_at=after(number)), USER)
    tracemalloc.start()
    await place.rights.export(ALICE, path, REASON)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status(path).st_size > 20_000_000
    assert most < 25_000_000  # a page of rows as DynamoDB sends it, and once more as bytes


async def test_large_items_are_in_it(place: Place, path: Path) -> None:
    await place.store.save_thread(thread(), USER)
    await place.store.add_thread_item("thr_1", user_message(LARGE), USER)
    await place.rights.export(ALICE, path, REASON)
    [item] = lines(members(path), "items.jsonl")
    assert item["content"][0]["text"] == LARGE
