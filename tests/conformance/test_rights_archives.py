"""An archive that is damaged, or holds what cannot be stored, is refused before anything of it is written."""

import hashlib
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chat_testing.builders import context, incompressible, thread, user_message
from chat_testing.rights import ALICE, BOB, REASON, Place
from chatkit_aws.rights import DataRights, Storage
from chatkit_aws.rights.errors import InvalidArchive, UnknownArchiveVersion

USER, OTHER = context("alice"), context("bob")


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


async def test_feedback_without_its_item_is_left_out(place: Place, archive: Path) -> None:
    change = replacing("threads/000001/feedback.jsonl", b"msg_2", b"msg_9")
    imported = await place.rights.import_archive(BOB, rewritten(archive, change, proven=True), REASON)
    assert (imported.counts["feedback"], imported.counts["left_out"]) == (1, 1)


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
