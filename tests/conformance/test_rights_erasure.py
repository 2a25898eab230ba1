"""After an erasure nothing of the user is left, and everybody else's data is as it was."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from chat_testing.boto_calls import Meanwhile, error, recorded
from chat_testing.builders import context, file_attachment, thread, user_message
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, LARGE, REASON, Place
from chatkit_aws import clients
from chatkit_aws.errors import Held, StoreRefused, ThreadNotFound
from chatkit_aws.rights import Account, erasing
from chatkit_aws.rights.audit import AuditLog
from chatkit_aws.rights.erasing import LEASE
from chatkit_aws.rights.erasure import erase
from chatkit_aws.rights.errors import ErasureCutOff, ErasureRunning
from chatkit_aws.store import object_names
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import key_attributes

USER = context("alice")
NEIGHBOURS = [BOB, Account("tenant-1", "alic"), Account("tenant-1", "alice#"), Account("tenant-2", "alice")]


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


def other(place: Place) -> Place:
    """The same on clients of its own, as another machine has."""
    client = clients.dynamodb_client(place.dynamodb.meta.endpoint_url)
    return Place(place.name, place.bucket, client, place.s3, clock=place.clock)


def elsewhere(work: Callable[[], Coroutine[Any, Any, Any]], outcomes: list[Any]) -> Meanwhile:
    """Have another machine do `work` before the request is sent, and keep what came of it."""

    async def outcome() -> None:
        outcomes.extend(await asyncio.gather(work(), return_exceptions=True))

    def meanwhile(_request: object) -> None:
        thread = threading.Thread(target=asyncio.run, args=[outcome()])
        thread.start()
        thread.join()

    return meanwhile


@pytest.mark.parametrize(("service", "operation"), [("s3", "ListObjectsV2"), ("dynamodb", "BatchWriteItem")])
async def test_no_hold_is_placed_while_it_runs(place: Place, service: str, operation: str) -> None:
    await place.fill(ALICE)
    outcomes: list[Any] = []
    placing = elsewhere(lambda: other(place).rights.place_hold(ALICE, REASON), outcomes)

    with recorded(getattr(place, service), operation, placing):
        erased = await place.rights.erase(ALICE, REASON)

    assert [type(outcome) for outcome in outcomes] == [ErasureRunning]
    assert erased.is_complete
    assert nothing_is_left(place)
    await place.rights.place_hold(ALICE, REASON)
    assert (await place.rights.hold(ALICE)).is_complete


async def test_hold_that_is_placed_before_it_begins_wins(place: Place) -> None:
    await place.fill(ALICE)
    outcomes: list[Any] = []
    placing = elsewhere(lambda: other(place).rights.place_hold(ALICE, REASON), outcomes)

    def begun(request: object) -> None:
        """The record of the audit."""

    with recorded(place.dynamodb, "TransactWriteItems", begun, placing), pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)

    assert [type(outcome) for outcome in outcomes] == [dict]
    assert len(place.objects_of(ALICE)) == 4
    assert (await place.rights.hold(ALICE)).threads == 3


async def test_two_at_once_are_refused(place: Place) -> None:
    await place.fill(ALICE)
    outcomes: list[Any] = []
    erasing = elsewhere(lambda: other(place).rights.erase(ALICE, REASON), outcomes)
    with recorded(place.s3, "ListObjectsV2", erasing):
        await place.rights.erase(ALICE, REASON)
    assert [type(outcome) for outcome in outcomes] == [ErasureRunning]
    assert nothing_is_left(place)


async def test_killed_one_forbids_a_hold_for_five_minutes(place: Place) -> None:
    await place.fill(ALICE)
    with killed_at(30, place.dynamodb, is_carried_out=True), suppress(Killed):
        await place.rights.erase(ALICE, REASON)
    place.clock.now += LEASE - 1
    with pytest.raises(ErasureRunning):
        await place.rights.place_hold(ALICE, REASON)
    with pytest.raises(ErasureRunning):
        await place.rights.erase(ALICE, REASON)
    place.clock.now += 1

    await place.rights.place_hold(ALICE, REASON)

    assert all(sort_key != "ERS#" for _, sort_key in place.rows_of(ALICE))
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)


async def test_one_that_failed_goes_on_at_once_and_forbids_a_hold_meanwhile(place: Place) -> None:
    await place.fill(ALICE)
    with recorded(place.s3, "DeleteObjects", *[error("AccessDenied", 403)] * 9), pytest.raises(StoreRefused):
        await place.rights.erase(ALICE, REASON)
    with pytest.raises(ErasureRunning):
        await place.rights.place_hold(ALICE, REASON)
    await place.rights.erase(ALICE, REASON)
    assert nothing_is_left(place)
    await place.rights.place_hold(ALICE, REASON)


@pytest.mark.parametrize(("service", "operation"), [("s3", "ListObjectsV2"), ("dynamodb", "Query")])
async def test_one_that_slept_destroys_nothing_of_a_hold_placed_meanwhile(
    place: Place, service: str, operation: str
) -> None:
    await place.fill(ALICE)
    outcomes: list[Any] = []
    awake = other(place)

    async def hold_later() -> None:
        place.clock.now += LEASE
        await awake.rights.place_hold(ALICE, REASON)
        await awake.store.save_thread(thread("new"), USER)
        await awake.store.add_thread_item("new", user_message(LARGE), USER)
        await awake.store.save_attachment(file_attachment("held"), USER)
        place.put_file(ALICE, "held", "original", b"evidence")

    with (
        recorded(getattr(place, service), operation, elsewhere(hold_later, outcomes)),
        pytest.raises((ErasureCutOff, Held)),
    ):
        await place.rights.erase(ALICE, REASON)
    while not outcomes:  # noqa: ASYNC110 - it is another thread that fills it
        await asyncio.sleep(0.01)

    assert outcomes == [None]
    assert len([item async for item in place.items(ALICE, "new")]) == 1
    assert (await place.store.load_attachment("held", USER)).id == "held"
    assert b"evidence" in [data for data, _ in place.objects().values()]
    assert (await place.rights.hold(ALICE)).is_complete


async def test_one_that_takes_long_keeps_its_lease(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit_aws.rights.erasing._RENEWED", 0.001)
    await place.fill(ALICE)
    outcomes: list[Any] = []
    kept: list[int] = []
    awake = other(place)
    sleep = asyncio.sleep

    async def settling(seconds: float) -> None:
        """Twenty minutes go by, minute by minute, each as long as it takes to renew the row."""
        for _ in range(20 if seconds else 0):
            place.clock.now += 60
            until = place.clock.now + LEASE
            while int(place.rows_of(ALICE)[ALICE.owner.partition, "ERS#"]["expires_at"]["N"]) < until:
                await sleep(0.001)
            kept.append(1)
            outcomes.extend(await asyncio.gather(awake.rights.place_hold(ALICE, REASON), return_exceptions=True))
        await sleep(seconds and 0)

    monkeypatch.setattr("chatkit_aws.rights.erasure.asyncio", SimpleNamespace(sleep=settling))
    erased = await place.rights.erase(ALICE, REASON, settle=1200)

    assert erased.is_complete
    assert {type(outcome) for outcome in outcomes} == {ErasureRunning}
    assert nothing_is_left(place)


async def test_one_whose_lease_another_has_taken_stops(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkit_aws.rights.erasing._RENEWED", 0.001)
    await place.fill(ALICE)
    row = {**key_attributes(erasing.row_of(ALICE.owner)), "run_id": {"S": "another"}}

    def taken(_request: object) -> None:
        place.dynamodb.put_item(TableName=place.name, Item=row)
        place.clock.now -= 0.5  # any moment later, it would have noticed

    with recorded(place.s3, "ListObjectsV2", taken), pytest.raises(ErasureCutOff):
        await place.rights.erase(ALICE, REASON)
    assert place.rows_of(ALICE)[ALICE.owner.partition, "ERS#"] == row


async def test_object_put_after_its_user_was_erased_is_removed(place: Place) -> None:
    await place.store.save_thread(thread(), USER)
    outcomes: list[Any] = []
    erasing = elsewhere(lambda: other(place).rights.erase(ALICE, REASON), outcomes)

    with recorded(place.s3, "PutObject", erasing), pytest.raises(ThreadNotFound):
        await place.store.add_thread_item("thr_1", user_message(LARGE), USER)

    [erased] = outcomes
    assert erased.left == {"object_intents": 1}  # so it did not say that all was gone
    assert nothing_is_left(place)


async def test_object_of_a_writer_that_died_is_removed_when_it_has_settled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.store.save_thread(thread(), USER)
    with killed_at(1, place.s3, is_carried_out=True), suppress(Killed):
        await place.store.add_thread_item("thr_1", user_message(LARGE), USER)
    [intent] = [key for key in place.rows_of(ALICE) if key[1].startswith("OBJ#")]
    late = intent[1].removeprefix("OBJ#")

    async def settle(seconds: float) -> None:
        assert intent in place.rows_of(ALICE)  # it names the object for as long as one may be put
        place.clock.now += seconds
        place.s3.put_object(Bucket=place.bucket, Key=late, Body=b"late")

    first = await place.rights.erase(ALICE, REASON)
    monkeypatch.setattr("chatkit_aws.rights.erasure.asyncio", SimpleNamespace(sleep=settle))
    place.clock.now += 480
    erased = await place.rights.erase(ALICE, REASON, settle=120)

    assert first.left == {"object_intents": 1}
    assert erased.is_complete
    assert nothing_is_left(place)


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
        place.clock.now += LEASE
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
    [*_, last] = [record async for page in AuditLog(place.storage).records("tenant-1") for record in page]
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

    monkeypatch.setattr("chatkit_aws.rights.erasure.asyncio", SimpleNamespace(sleep=late))
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
