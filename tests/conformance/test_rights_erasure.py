"""After an erasure nothing of the user is left, and everybody else's data is as it was."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.boto_calls import error, recorded
from chat_testing.builders import context, file_attachment, thread, user_message
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, LARGE, REASON, Place
from chatkit_aws.errors import Held, StoreRefused, ThreadNotFound
from chatkit_aws.rights import Account
from chatkit_aws.rights.erasure import erase
from chatkit_aws.store import object_names
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import key_attributes

USER = context("alice")
NEIGHBOURS = [BOB, Account("tenant-1", "alic"), Account("tenant-1", "alice#"), Account("tenant-2", "alice")]


@pytest.fixture
def place(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> Place:
    return Place(table_name, bucket, dynamodb, s3)


def nothing_is_left(place: Place, account: Account = ALICE) -> bool:
    """Whether no key and no object's name has the account's: a look at all there is."""
    return not place.rows_of(account) and not place.objects_of(account)


async def fill_with_more(place: Place) -> None:
    """What is not in a live thread: deleted, expired, not attached, left over by a write that was cut off."""
    await place.store.save_thread(thread("expired"), USER)
    await place.store.add_thread_item("expired", user_message(LARGE), USER)
    await place.store.save_attachment(file_attachment("atc_expired"), USER)
    place.put_file(ALICE, "atc_expired", "original", b"file")
    place.clock.now += 35 * DAY
    await place.fill(ALICE)
    await place.store.save_thread(thread("deleted"), USER)
    await place.store.add_thread_item("deleted", user_message(LARGE), USER)
    await place.store.delete_thread("deleted", USER)
    orphan = object_names.items_of_thread(ALICE.owner.thread("thr_3")) + "orphan"
    place.s3.put_object(Bucket=place.bucket, Key=orphan, Body=b"put, and its item never written")
    intent = {**key_attributes(ALICE.owner.intent(orphan)), "item_pk": {"S": ALICE.owner.thread("thr_3").partition}}
    place.dynamodb.put_item(TableName=place.name, Item={**intent, "item_sk": {"S": "ITM#"}})
    unknown = {"pk": {"S": ALICE.owner.partition}, "sk": {"S": "NEW#of a later version"}}
    place.dynamodb.put_item(TableName=place.name, Item=unknown)


async def test_nothing_is_left_and_the_report_says_what_there_was(place: Place) -> None:
    await fill_with_more(place)

    erased = await place.rights.erase(ALICE, REASON)

    assert nothing_is_left(place)
    assert erased.is_complete
    assert erased.rows == {
        "threads": 4,
        "items": 10,
        "places_of_items": 10,
        "feedback": 2,
        "attachments": 3,
        "attached_marks": 1,
        "object_intents": 1,
        "deleted_marks": 5,
        "other": 1,
    }
    assert erased.objects == {"items": 4, "attachments": 4}


async def test_others_data_is_untouched(place: Place) -> None:
    for neighbour in NEIGHBOURS:
        await place.fill(neighbour)
    rows, objects = place.rows(), place.objects()
    await fill_with_more(place)

    await place.rights.erase(ALICE, REASON, scan=True)

    assert nothing_is_left(place)
    assert place.rows() == rows
    assert place.objects() == objects


async def test_same_again_removes_nothing(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.erase(ALICE, REASON)
    erased = await place.rights.erase(ALICE, REASON)
    assert (erased.rows, erased.objects, erased.left) == ({}, {}, {})


async def test_user_under_hold_keeps_everything(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    rows, objects = place.rows(), place.objects()
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)
    assert (place.rows(), place.objects()) == (rows, objects)


async def test_hold_that_is_half_lifted_still_counts(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(ALICE.owner.hold))
    rows, objects = place.rows(), place.objects()
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)
    assert (place.rows(), place.objects()) == (rows, objects)


async def test_hold_placed_meanwhile_stops_it(place: Place) -> None:
    await place.fill(ALICE)

    async def hold_soon() -> None:
        for _ in range(10_000):
            if len(place.rows_of(ALICE)) < 15:
                break
            await asyncio.sleep(0)
        await place.rights.place_hold(ALICE, REASON)
        await place.store.save_thread(thread("after"), USER)

    erased, _ = await asyncio.gather(place.rights.erase(ALICE, REASON), hold_soon(), return_exceptions=True)

    assert isinstance(erased, Held)
    assert (await place.store.load_thread("after", USER)).id == "after"


@pytest.mark.parametrize("seed", range(6))
async def test_killed_again_and_again_it_goes_on(place: Place, seed: int) -> None:
    random = Random(seed)
    await place.fill(BOB)
    rows, objects = place.rows(), place.objects()
    await fill_with_more(place)

    for _ in range(10):
        at, is_carried_out = random.randint(1, 60), random.random() < 0.5
        with killed_at(at, place.dynamodb, place.s3, is_carried_out=is_carried_out), suppress(Killed):
            await place.rights.erase(ALICE, REASON)
    erased = await place.rights.erase(ALICE, REASON)

    assert erased.is_complete
    assert nothing_is_left(place)
    assert (place.rows(), place.objects()) == (rows, objects)


async def test_refused_on_the_way_it_goes_on_later(place: Place) -> None:
    await fill_with_more(place)
    with recorded(place.s3, "DeleteObjects", *[error("AccessDenied", 403)] * 9), pytest.raises(StoreRefused):
        await place.rights.erase(ALICE, REASON)
    assert not nothing_is_left(place)
    await place.rights.erase(ALICE, REASON)
    assert nothing_is_left(place)


async def test_answer_that_is_being_written_ends_and_nothing_of_it_is_left(place: Place) -> None:
    await place.fill(ALICE)
    begun = asyncio.Event()

    async def answer(thread_id: str) -> None:
        for number in range(1_000):
            await place.store.add_thread_item(thread_id, user_message(LARGE, id=f"new{number}"), USER)
            await place.store.save_thread(thread(thread_id, title=f"Title {number}"), USER)
            begun.set()

    async def erasing() -> Any:
        await begun.wait()
        return await erase(place.storage, ALICE)

    outcomes: Any = await asyncio.gather(answer("thr_1"), answer("thr_3"), erasing(), return_exceptions=True)

    assert [type(ended) for ended in outcomes[:2]] == [ThreadNotFound, ThreadNotFound]
    assert outcomes[2].is_complete
    assert nothing_is_left(place)


async def test_user_who_goes_on_writing_is_reported(place: Place) -> None:
    await place.fill(ALICE)
    is_over = asyncio.Event()

    async def go_on() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            await place.store.save_thread(thread(f"again{number}"), USER)
            await asyncio.sleep(0.005)

    async def erasing() -> Any:
        try:
            return await place.rights.erase(ALICE, REASON)
        finally:
            is_over.set()

    _, erased = await asyncio.gather(go_on(), erasing())

    assert not erased.is_complete
    assert set(erased.left) <= {"threads", "deleted_marks"}
    [*_, last] = [record async for page in place.rights.audit("tenant-1") for record in page]
    assert last.outcome == "incomplete"
    assert (await place.rights.erase(ALICE, REASON)).is_complete
    assert nothing_is_left(place)


async def test_marks_keep_running_answers_out_for_as_long_as_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.fill(ALICE)
    refused: list[bool] = []
    sleep = asyncio.sleep

    async def late(seconds: float) -> None:
        if seconds == 900:
            for thread_id in ("thr_1", "thr_3"):
                with suppress(ThreadNotFound):
                    await place.store.save_thread(thread(thread_id, title="Too late"), USER)
                    continue
                refused.append(True)
        await sleep(0)

    monkeypatch.setattr("chatkit_aws.rights.erasure.asyncio.sleep", late)
    await place.rights.erase(ALICE, REASON, settle=900)

    assert refused == [True, True]
    assert nothing_is_left(place)


async def test_scan_finds_what_nothing_refers_to(place: Place) -> None:
    await place.fill(BOB)
    rows = place.rows()
    await place.fill(ALICE)
    place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(ALICE.owner.thread("thr ü#%/🙂").row))

    without = await place.rights.erase(ALICE, REASON)
    assert (without.found_by_scan, len(place.rows_of(ALICE))) == (None, 2)
    erased = await place.rights.erase(ALICE, REASON, scan=True)

    assert erased.found_by_scan == 2
    assert nothing_is_left(place)
    assert place.rows() == rows


async def test_user_without_data_is_no_error(place: Place) -> None:
    await place.fill(BOB)
    rows = place.rows()
    erased = await place.rights.erase(ALICE, REASON, scan=True)
    assert (erased.rows, erased.objects, erased.left, erased.found_by_scan) == ({}, {}, {}, 0)
    assert place.rows() == rows
