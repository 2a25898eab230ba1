"""An import overwrites nothing, and goes on where it was cut off."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from chat_testing.boto_calls import error, recorded
from chat_testing.builders import context, file_attachment, thread, user_message
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, REASON, Place
from chatkit_aws.errors import StoreRefused
from chatkit_aws.rights import DataRights, Storage
from chatkit_aws.rights.errors import AlreadyThere, BucketNeeded
from chatkit_aws.store import Retention
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import key_attributes

USER, OTHER = context("alice"), context("bob")


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


async def test_user_under_hold_gets_held_threads(place: Place, archive: Path) -> None:
    await place.rights.place_hold(BOB, REASON)
    await place.rights.import_archive(BOB, archive, REASON)
    assert all("expires_at" not in row for row in place.rows_of(BOB).values())
    assert (await place.rights.hold(BOB)).threads == 3
