"""An import overwrites nothing, writes nothing of what it cannot read, and goes on where it was cut off."""

import hashlib
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import error, recorded
from chat_testing.builders import context, file_attachment, incompressible, thread, user_message
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, REASON, Place
from chatkit_aws.errors import StoreRefused
from chatkit_aws.rights import DataRights, Storage
from chatkit_aws.rights.errors import AlreadyThere, BucketNeeded, InvalidArchive, UnknownArchiveVersion
from chatkit_aws.store import Retention
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import key_attributes

USER, OTHER = context("alice"), context("bob")


@pytest.fixture
def place(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> Place:
    return Place(table_name, bucket, dynamodb, s3)


@pytest.fixture
async def archive(place: Place, tmp_path: Path) -> Path:
    """Alice's data."""
    await place.fill(ALICE)
    await place.rights.export(ALICE, path := tmp_path / "alice.zip", REASON)
    return path


async def test_existing_threads_are_refused_before_anything_is_written(place: Place, archive: Path) -> None:
    await place.store.save_thread(thread("thr_3", title="Bob's"), OTHER)
    rows, objects = place.rows(), place.objects()

    with pytest.raises(AlreadyThere) as refused:
        await place.rights.import_archive(BOB, archive, REASON)

    assert refused.value.count == 1
    assert (place.rows(), place.objects()) == (rows, objects)


async def test_existing_attachment_is_refused(place: Place, archive: Path) -> None:
    await place.store.save_attachment(file_attachment("atc_1", name="Bob's"), OTHER)
    with pytest.raises(AlreadyThere):
        await place.rights.import_archive(BOB, archive, REASON)


async def test_thread_that_was_deleted_today_is_refused(place: Place, archive: Path) -> None:
    await place.store.save_thread(thread("thr_3"), OTHER)
    await place.store.delete_thread("thr_3", OTHER)
    with pytest.raises(AlreadyThere):
        await place.rights.import_archive(BOB, archive, REASON)


async def test_rest_of_a_thread_that_cleanup_has_not_reached_is_refused(place: Place, archive: Path) -> None:
    await place.store.save_thread(thread("thr_3"), OTHER)
    await place.store.add_thread_item("thr_3", user_message("Bob's"), OTHER)
    await place.store.delete_thread("thr_3", OTHER)
    place.clock.now += 2 * DAY
    with pytest.raises(AlreadyThere):
        await place.rights.import_archive(BOB, archive, REASON)


async def test_skipping_leaves_what_is_there_as_it_is(place: Place, archive: Path) -> None:
    await place.store.save_thread(thread("thr_1", title="Bob's"), OTHER)
    await place.store.add_thread_item("thr_1", user_message("Bob's"), OTHER)
    rows = place.rows_of(BOB)

    imported = await place.rights.import_archive(BOB, archive, REASON, skip_existing=True)

    assert rows.items() <= place.rows_of(BOB).items()
    assert imported.counts == {
        "threads": 2,
        "items": 1,
        "skipped_threads": 1,
        "left_out": 1,  # the attachment of that thread
        "attachments": 1,
        "files": 1,
    }
    assert [item.id async for item in place.items(BOB, "thr_1")] == ["msg_1"]


async def test_imported_again_all_is_there_already(place: Place, archive: Path) -> None:
    await place.rights.import_archive(BOB, archive, REASON)
    rows = place.rows()
    with pytest.raises(AlreadyThere):
        await place.rights.import_archive(BOB, archive, REASON)
    again = await place.rights.import_archive(BOB, archive, REASON, skip_existing=True)
    assert again.counts == {"threads": 0, "items": 0, "skipped_threads": 3, "skipped_attachments": 2}
    assert place.rows() == rows


@pytest.mark.parametrize("seed", range(4))
async def test_killed_again_and_again_it_is_finished_by_the_same_command(
    place: Place, archive: Path, seed: int
) -> None:
    random = Random(seed)
    await place.store.save_thread(thread("thr ü#%/🙂", title="Bob's"), OTHER)
    before = place.rows_of(BOB)
    kills = 0
    for _ in range(12):
        at, is_carried_out = random.randint(1, 25), random.random() < 0.5
        with killed_at(at, place.dynamodb, place.s3, is_carried_out=is_carried_out), suppress(Killed):
            await place.rights.import_archive(BOB, archive, REASON, skip_existing=True)
            break
        kills += 1
    else:
        await place.rights.import_archive(BOB, archive, REASON, skip_existing=True)

    assert kills > 2
    seen, expected = await place.seen(BOB), await place.seen(ALICE)
    assert [thread.title for thread in seen.pop("threads")] == ["Bob's", "word own title", "A thread"]
    del expected["threads"], expected["items thr ü#%/🙂"], seen["items thr ü#%/🙂"]
    assert seen == expected
    assert before.items() <= place.rows_of(BOB).items()
    # Objects whose row never came are announced by intents, which expire; nothing else is left of the attempts.
    assert all(not sort_key.startswith("IMP#") for _, sort_key in place.rows_of(BOB))


async def test_what_the_user_deletes_before_it_goes_on_stays_deleted(place: Place, archive: Path) -> None:
    with (
        recorded(place.s3, "PutObject", passed, passed, *[error("AccessDenied", 403)] * 9),
        pytest.raises(StoreRefused),
    ):
        await place.rights.import_archive(BOB, archive, REASON)
    await place.store.delete_thread_item("thr_1", "msg_1", OTHER)
    await place.store.delete_thread("thr_3", OTHER)
    await place.store.rename_thread("thr_1", "Bob's own", OTHER)

    imported = await place.rights.import_archive(BOB, archive, REASON)

    assert (imported.counts["threads"], imported.counts["items"], imported.counts["feedback"]) == (3, 8, 2)
    titles = {one.id: one.title async for one in place.threads(BOB)}
    assert titles == {"thr_1": "Bob's own", "thr ü#%/🙂": None}
    assert "msg_1" not in [item.id async for item in place.items(BOB, "thr_1")]
    assert len([item async for item in place.items(BOB, "thr_1")]) == 6
    assert all(not sort_key.startswith("IMP#") for _, sort_key in place.rows_of(BOB))


async def test_attachment_that_the_user_deletes_before_it_goes_on_stays_deleted(place: Place, archive: Path) -> None:
    with recorded(place.s3, "PutObject", *[passed] * 3, *[error("AccessDenied", 403)] * 9), pytest.raises(StoreRefused):
        await place.rights.import_archive(BOB, archive, REASON)
    await place.store.delete_attachment("atc ü#2", OTHER)

    imported = await place.rights.import_archive(BOB, archive, REASON)

    assert (imported.counts["attachments"], imported.counts["files"]) == (2, 3)
    assert await place.storage.kinds.attachments.load(BOB.owner, "atc ü#2") is None


@pytest.mark.parametrize("number", [3, 4, 6])
async def test_thread_that_the_user_deletes_while_it_is_written_stays_deleted(
    place: Place, archive: Path, number: int
) -> None:
    name = BOB.owner.thread("thr_1")

    is_deleted = False

    def deleted(_request: object) -> None:
        """Once, as soon as the thread is there: others are written at the same time."""
        nonlocal is_deleted
        if not is_deleted and name.row.sk in {sort_key for _, sort_key in place.rows_of(BOB)}:
            is_deleted = True
            place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(name.row))
            place.dynamodb.put_item(TableName=place.name, Item=mark)

    mark = {**key_attributes(name.deleted), "expires_at": {"N": str(int(place.clock.now) + DAY)}}
    with recorded(place.dynamodb, "TransactWriteItems", *[passed] * number, *[deleted] * 99):
        imported = await place.rights.import_archive(BOB, archive, REASON)

    assert (imported.counts["threads"], imported.counts["deleted_threads"]) == (2, 1)
    assert imported.counts["left_out"] == 1
    assert "thr_1" not in [one.id async for one in place.threads(BOB)]


def passed(request: object) -> None:
    """The request is sent."""


async def test_without_a_bucket_files_are_refused(place: Place, archive: Path) -> None:
    rights = DataRights(Storage.of(place.name, place.dynamodb, clock=place.clock), "operator-1")
    rows = place.rows()
    with pytest.raises(BucketNeeded):
        await rights.import_archive(BOB, archive, REASON)
    assert place.rows() == rows


async def test_threads_that_would_have_expired_are_left_out(place: Place, archive: Path) -> None:
    place.clock.now += 40 * DAY
    storage = Storage.of(
        place.name,
        place.dynamodb,
        bucket=place.storage.bucket,
        retention=Retention(30, "created"),
        clock=place.clock,
    )
    imported = await DataRights(storage, "operator-1").import_archive(BOB, archive, REASON)
    assert imported.counts == {
        "threads": 0,
        "items": 0,
        "expired_threads": 3,
        "left_out": 1,
        "attachments": 1,
        "files": 1,
    }


async def test_feedback_without_its_item_is_left_out(place: Place, archive: Path) -> None:
    change = replacing("threads/000001/feedback.jsonl", b"msg_2", b"msg_9")
    imported = await place.rights.import_archive(BOB, rewritten(archive, change, proven=True), REASON)
    assert (imported.counts["feedback"], imported.counts["left_out"]) == (1, 1)


async def test_user_under_hold_gets_held_threads(place: Place, archive: Path) -> None:
    await place.rights.place_hold(BOB, REASON)
    await place.rights.import_archive(BOB, archive, REASON)
    assert all("expires_at" not in row for row in place.rows_of(BOB).values())
    assert (await place.rights.hold(BOB)).threads == 3


type Change = Callable[[dict[str, bytes]], None]


def rewritten(path: Path, change: Change, *, proven: bool) -> Path:
    """The archive after a change of its members; `proven` is with a manifest that fits."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if proven and "manifest.json" in members:
        manifest = json.loads(members.pop("manifest.json"))
        manifest["members"] = {
            name: {"sha256": hashlib.sha256(text).hexdigest(), "size": len(text)} for name, text in members.items()
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return changed


def replacing(name: str, old: bytes, new: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return change


def adding(name: str, text: bytes = b"{}\n") -> Change:
    return lambda members: members.__setitem__(name, text)


def removing(name: str) -> Change:
    return lambda members: members.__delitem__(name)


def doubling(name: str) -> Change:
    """With its first line twice."""

    def change(members: dict[str, bytes]) -> None:
        members[name] = members[name].partition(b"\n")[0] + b"\n" + members[name]

    return change


BIG = incompressible(300_000).replace("\\", "/").replace('"', "'").encode()
NEVER = b'"created_at":"0001-01-01T00:00:00+23:00'
FEEDBACK = "threads/000001/feedback.jsonl"
ITEMS, THREAD, ATTACHMENTS = "threads/000001/items.jsonl", "threads/000001/thread.json", "attachments/000001.jsonl"
DOUBLED: Change = lambda members: members.__setitem__(THREAD, members[THREAD] * 2)  # noqa: E731
TWICE: Change = lambda members: members.__setitem__("threads/000003/thread.json", members[THREAD])  # noqa: E731
UNPROVEN = {
    "another content": replacing(ITEMS, b"word", b"lord"),
    "a member too many": adding("threads/000009/thread.json"),
    "a member too few": removing("files/000001"),
    "no manifest": removing("manifest.json"),
    "a manifest that is no JSON": adding("manifest.json", b"{"),
    "another hash": replacing("manifest.json", b'"sha256": "', b'"sha256": "0'),
}
PROVEN = {
    "a path out of the archive": adding("../evil"),
    "an absolute path": adding("/etc/passwd"),
    "a path within": adding("threads/../threads/000001/thread.json"),
    "an unknown member": adding("readme.txt"),
    "items without their thread": adding("threads/000009/items.jsonl"),
    "a line that is no JSON": adding(ITEMS, b"{\n"),
    "a line that is no item": adding(ITEMS, b'{"type":"unknown","id":"a","created_at":"2026-11-21T00:00:00"}\n'),
    "a line without its end": adding(ITEMS, b"{}"),
    "an item without a time": replacing(ITEMS, b'"created_at"', b'"made_at"'),
    "an item without an id": replacing(ITEMS, b'"id":"msg_1"', b'"id":""'),
    "an id that is too long": replacing(ITEMS, b'"id":"msg_1"', b'"id":"' + b"a" * 600 + b'"'),
    "half of a surrogate pair": replacing(ITEMS, b'"id":"msg_1"', b'"id":"\\ud800"'),
    "two threads in one member": DOUBLED,
    "a thread twice": TWICE,
    "a file of no attachment": adding("files/000004"),
    "a file's name that leads elsewhere": replacing(ATTACHMENTS, b'"name":"original"', b'"name":"../../../../x"'),
    "a file's name that is too long": replacing(ATTACHMENTS, b'"name":"original"', b'"name":"' + b"x" * 950 + b'"'),
    "a file's name that no deletion could have": replacing(ATTACHMENTS, b"original", b"\\u0001"),
    "metadata that is not ASCII": replacing(ATTACHMENTS, b'"by":"test"', '"by":"ü"'.encode()),
    "metadata with a line break": replacing(ATTACHMENTS, b'"by":"test"', b'"by":"a\\r\\nX-A: b"'),
    "metadata with an unsendable name": replacing(ATTACHMENTS, b'"by":"test"', b'"by: a":"test"'),
    "metadata of two names that S3 takes for one": replacing(ATTACHMENTS, b'"by":"test"', b'"by":"test","BY":"a"'),
    "metadata that is too large": replacing(ATTACHMENTS, b'"by":"test"', b'"by":"' + b"a" * 2_047 + b'"'),
    "a content type with a line break": replacing(ATTACHMENTS, b"text/plain", b"text/plain\\r\\nX-A: b"),
    "an attachment that is too large": replacing(ATTACHMENTS, b'"name":"word"', b'"name":"' + BIG + b'"'),
    "an attachment twice": doubling(ATTACHMENTS),
    "an attachment before all times": replacing(ATTACHMENTS, b'"created_at":"2026-11-22T00:01:00', NEVER),
    "a thread that is too large": replacing(THREAD, b'"a":[1', b'"a":["' + BIG + b'"'),
    "a thread before all times": replacing(THREAD, b'"created_at":"2026-11-21T12:00:00.123456', NEVER),
    "a title that is too long": replacing(THREAD, b'"user_title":"word', b'"user_title":"' + b"a" * 4_000),
    "an item before all times": replacing(ITEMS, b'"created_at":"2026-11-21T12:00:00.123456', NEVER),
    "an item twice": doubling(ITEMS),
    "feedback on nothing": replacing(FEEDBACK, b'"msg_2"', b'""'),
    "feedback on an id that is too long": replacing(FEEDBACK, b'"msg_2"', b'"' + b"a" * 600 + b'"'),
    "feedback before all times": replacing(FEEDBACK, b'"created_at":"2026-11-22T00:00:00Z', NEVER),
    "feedback twice": doubling(FEEDBACK),
    "two files of one name": replacing(ATTACHMENTS, "previews/small ü.png".encode(), b"original"),
    "a file that is another member": replacing(ATTACHMENTS, b"files/000002", b"manifest.json"),
    "a field of a later version": replacing(THREAD, b'"user_title"', b'"new":1,"user_title"'),
}


@pytest.mark.parametrize("name", UNPROVEN)
async def test_archive_that_is_not_as_its_manifest_says_is_refused(place: Place, archive: Path, name: str) -> None:
    await refuse(place, rewritten(archive, UNPROVEN[name], proven=False))


@pytest.mark.parametrize("name", PROVEN)
async def test_archive_with_what_cannot_be_stored_is_refused(place: Place, archive: Path, name: str) -> None:
    await refuse(place, rewritten(archive, PROVEN[name], proven=True))


@pytest.mark.parametrize("version", [0, 2])
async def test_other_version_is_refused(place: Place, archive: Path, version: int) -> None:
    change = replacing("manifest.json", b'"version": 1', f'"new": {{}}, "version": {version}'.encode())
    await refuse(place, rewritten(archive, change, proven=True), UnknownArchiveVersion)


async def test_without_a_bucket_items_that_fit_in_no_row_are_refused(place: Place, tmp_path: Path) -> None:
    await place.store.save_thread(thread(), USER)
    await place.store.add_thread_item("thr_1", user_message(incompressible(600_000)), USER)
    await place.rights.export(ALICE, path := tmp_path / "alice.zip", REASON)
    rights = DataRights(Storage.of(place.name, place.dynamodb, clock=place.clock), "operator-1")
    rows = place.rows()
    with pytest.raises(InvalidArchive):
        await rights.import_archive(BOB, path, REASON)
    assert place.rows() == rows


async def test_item_larger_than_can_be_stored_is_refused(place: Place, archive: Path) -> None:
    long = incompressible(5_100_000).replace("\\", "/").encode()
    await refuse(place, rewritten(archive, replacing(ITEMS, b"word", long), proven=True))


async def test_manifest_that_names_many_more_members_than_there_are_is_not_read(place: Place, archive: Path) -> None:
    def swell(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        one = {"sha256": "0" * 64, "size": 0}
        manifest["members"] |= {f"files/{number:09}": one for number in range(300_000)}
        members["manifest.json"] = json.dumps(manifest).encode()

    changed = rewritten(archive, swell, proven=False)
    tracemalloc.start()
    await refuse(place, changed)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 25_000_000  # the manifest alone has 30 MB


async def test_archive_that_holds_far_more_than_it_has_is_refused_unless_it_is_trusted(
    place: Place, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatkit_aws.rights.members._USUAL_BYTES", 1_000_000)
    monkeypatch.setattr("chatkit_aws.rights.members._USUAL_RATIO", 2)
    changed = rewritten(archive, adding("files/000001", bytes(2_000_000)), proven=True)
    await refuse(place, changed)
    imported = await place.rights.import_archive(BOB, changed, REASON, any_size=True)
    assert imported.counts["files"] == 3


@pytest.mark.parametrize("size", [0, 1, 100, -1, -30])
async def test_archive_that_is_cut_off_is_refused(place: Place, archive: Path, size: int) -> None:
    await refuse(place, cut(archive, size))


async def test_encrypted_archive_is_refused(place: Place, archive: Path) -> None:
    await refuse(place, encrypted(archive))


async def refuse(place: Place, path: Path, kind: type[Exception] = InvalidArchive) -> None:
    """The import is refused, writes nothing, and says nothing of what is in the archive."""
    rows, objects = place.rows(), place.objects()
    with pytest.raises(InvalidArchive) as refused:
        await place.rights.import_archive(BOB, path, REASON)
    assert type(refused.value) is kind
    assert "word" not in str(refused.value)
    assert (place.rows(), place.objects()) == (rows, objects)


def cut(path: Path, size: int) -> Path:
    changed = path.with_name("cut.zip")
    changed.write_bytes(path.read_bytes()[:size])
    return changed


def encrypted(path: Path) -> Path:
    """Marked as encrypted in its directory."""
    data: Any = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start + 8] |= 1
    changed = path.with_name("encrypted.zip")
    changed.write_bytes(data)
    return changed
