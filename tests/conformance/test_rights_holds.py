"""Legal hold: nothing expires and nothing can be deleted, whoever writes while it is placed; lifting gives it back."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from chat_testing.boto_calls import recorded
from chat_testing.builders import after, context, file_attachment, thread, user_message
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, NOW, REASON, Place, Rows
from chatkit_aws.errors import Held, StoreUnavailable, ThreadNotFound
from chatkit_aws.rights import DataRights, Storage
from chatkit_aws.rights.errors import HoldLifted, HoldPlaced
from chatkit_aws.store import Retention
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import Row, key_attributes

USER = context("alice")
KEPT = ("THR#", "ITM#", "PLC#", "FBK#", "ATD#", "ATT#")


def expiring(place: Place) -> Rows:
    """Alice's rows of data that expire."""
    return {key: row for key, row in data(place).items() if "expires_at" in row}


def lasting(place: Place) -> Rows:
    """Those that do not."""
    return {key: row for key, row in data(place).items() if "expires_at" not in row}


def data(place: Place) -> Rows:
    """Alice's threads and attachments and what is in them, but for what was left of a deleted thread."""
    rows = {key: row for key, row in place.rows_of(ALICE).items() if key[1].startswith(KEPT)}
    threads = {sort_key.removeprefix("THR#") for _, sort_key in rows if sort_key.startswith("THR#")}
    partitions = {ALICE.owner.partition} | {f"{ALICE.owner.partition}THR#{name}#" for name in threads}
    gone = {key for key, row in rows.items() if "thread" in row and row["thread"]["S"] not in threads}
    return {key: row for key, row in rows.items() if key[0] in partitions and key not in gone}


async def test_nothing_expires(place: Place) -> None:
    await place.fill(ALICE)
    seen = await place.seen(ALICE)

    counts = await place.rights.place_hold(ALICE, REASON)
    place.clock.now += 20 * 365 * DAY

    assert expiring(place) == {}
    assert await place.seen(ALICE) == seen
    assert counts == {"threads": 3, "rows": 21}


async def test_nothing_can_be_deleted_or_erased(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    await place.store.save_thread(thread("new", created_at=after(9)), USER)
    await place.store.add_thread_item("new", user_message(), USER)
    rows = place.rows()
    for refused in [
        place.store.delete_thread("thr_1", USER),
        place.store.delete_thread("new", USER),
        place.store.delete_thread_item("thr_1", "msg_1", USER),
        place.store.delete_thread_item("new", "msg_1", USER),
        place.store.delete_attachment("atc_1", USER),
        place.store.delete_attachment("atc ü#2", USER),
        place.rights.erase(ALICE, REASON),
    ]:
        with pytest.raises(Held):
            await refused
    assert place.rows() == rows


async def test_others_are_not_held(place: Place) -> None:
    await place.fill(BOB)
    rows = place.rows()
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    assert place.rows_of(BOB) == rows
    await place.rights.lift_hold(ALICE, REASON)
    assert place.rows_of(BOB) == rows


async def test_same_again_changes_nothing(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    rows = place.rows()
    place.clock.now += DAY
    counts = await place.rights.place_hold(ALICE, "another reason")
    assert place.rows() == rows
    assert counts["rows"] == 0


async def test_what_had_expired_before_is_not_brought_back(place: Place) -> None:
    await place.fill(ALICE)
    place.clock.now += 40 * DAY
    rows = place.rows()
    await place.rights.place_hold(ALICE, REASON)
    hold = (ALICE.owner.hold.pk, ALICE.owner.hold.sk)
    assert {key: row for key, row in place.rows().items() if key != hold} == rows
    assert [found async for found in place.threads(ALICE)] == []


async def test_whoever_writes_while_it_is_placed_writes_what_lasts(place: Place) -> None:
    is_over = asyncio.Event()
    for number in range(6):
        await place.store.save_thread(thread(f"old{number}"), USER)

    async def write(writer: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            name = f"w{writer}-{number}"
            # On a busy machine a write may give up among so many conflicts; it then was not acknowledged.
            with suppress(ThreadNotFound, Held, StoreUnavailable):
                await place.store.save_thread(thread(name), USER)
                for one in (name, f"old{writer}"):
                    message = user_message(id=name, thread_id=one, created_at=after(number))
                    await place.store.add_thread_item(one, message, USER)
                    await place.store.save_feedback(one, name, "positive", USER)
                    await place.store.save_attachment(file_attachment(f"{one}-{name}", thread_id=one), USER)
                await place.store.save_attachment(file_attachment(f"free-{name}"), USER)
                await place.store.delete_thread_item(f"old{writer}", f"w{writer}-{number - 1}", USER)
                await place.store.delete_thread(f"w{writer}-{number - 1}", USER)

    async def placing() -> None:
        try:
            await asyncio.sleep(1)
            await place.rights.place_hold(ALICE, REASON)
            held = lasting(place)
            assert expiring(place) == {}
            await asyncio.sleep(0.5)
            assert held.keys() <= lasting(place).keys()
            assert expiring(place) == {}
        finally:
            is_over.set()

    await asyncio.gather(placing(), *(write(writer) for writer in range(3)))

    state = await place.rights.hold(ALICE)
    assert (state.is_complete, state.free_threads) == (True, 0)
    assert state.threads > 6


@pytest.mark.parametrize("seed", range(4))
async def test_placing_that_is_killed_is_finished_by_the_same_command(place: Place, seed: int) -> None:
    random = Random(seed)
    await place.fill(ALICE)
    for _ in range(6):
        at, is_carried_out = random.randint(1, 30), random.random() < 0.5
        with killed_at(at, place.dynamodb, is_carried_out=is_carried_out), suppress(Killed):
            await place.rights.place_hold(ALICE, REASON)
    await place.rights.place_hold(ALICE, REASON)

    assert expiring(place) == {}
    state = await place.rights.hold(ALICE)
    assert (state.is_complete, state.threads, state.free_threads) == (True, 3, 0)


async def test_state_says_since_when_why_and_by_whom(place: Place) -> None:
    await place.fill(ALICE)
    before = await place.rights.hold(ALICE)
    with killed_at(4, place.dynamodb, is_carried_out=True), suppress(Killed):
        await place.rights.place_hold(ALICE, REASON)
    halfway = await place.rights.hold(ALICE)
    place.clock.now += 5
    await DataRights(place.storage, "operator-2").place_hold(ALICE, "another")
    placed = await place.rights.hold(ALICE)

    assert (before.is_placed, before.threads, before.free_threads) == (False, 0, 3)
    assert (halfway.is_placed, halfway.is_complete) == (True, False)
    assert (placed.is_placed, placed.is_complete, placed.threads, placed.free_threads) == (True, True, 3, 0)
    assert (placed.placed_at, placed.reason, placed.actor) == (NOW + 60, REASON, "operator-1")


async def test_lifting_gives_everything_its_expiry(place: Place) -> None:
    await place.fill(ALICE)
    keys = expiring(place).keys()
    await place.rights.place_hold(ALICE, REASON)
    place.clock.now += 400 * DAY
    await place.store.save_thread(thread("new"), USER)
    await place.store.add_thread_item("new", user_message(), USER)

    counts = await place.rights.lift_hold(ALICE, REASON)

    assert counts == {"threads": 4, "rows": 23, "threads_expired": 0}
    assert lasting(place) == {}
    assert keys < expiring(place).keys()
    assert all("held_since" not in row for row in place.rows().values())
    state = await place.rights.hold(ALICE)
    assert (state.is_placed, state.threads, state.free_threads) == (False, 0, 4)
    await place.store.delete_thread("thr_1", USER)
    place.clock.now += 31 * DAY
    assert [found async for found in place.threads(ALICE)] == []
    await place.rights.erase(ALICE, REASON)


async def test_items_expire_after_their_thread_and_free_attachments_in_a_day(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    await place.rights.lift_hold(ALICE, REASON)
    times = {key[1]: int(row["expires_at"]["N"]) for key, row in expiring(place).items()}
    threads = [time for name, time in times.items() if name.startswith("THR#")]
    assert set(threads) == {NOW + 31 * DAY}
    assert times.pop("ATT#atc ü%232") == NOW + 60 + DAY
    assert all(time > NOW + 60 * DAY for name, time in times.items() if not name.startswith("THR#"))


async def test_thread_whose_time_is_over_by_its_creation_expires_at_once(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    place.clock.now += 400 * DAY
    storage = Storage.of(place.name, place.dynamodb, retention=Retention(30, "created"), clock=place.clock)

    counts = await DataRights(storage, "operator-1").lift_hold(ALICE, REASON)

    assert (counts["threads"], counts["threads_expired"]) == (3, 3)
    assert [found async for found in place.threads(ALICE)] == []


async def test_without_retention_lifted_threads_stay(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    storage = Storage.of(place.name, place.dynamodb, clock=place.clock)
    await DataRights(storage, "operator-1").lift_hold(ALICE, REASON)
    assert [sort_key for _, sort_key in expiring(place)] == ["ATT#atc ü%232"]
    await place.store.delete_thread("thr_1", USER)


@pytest.mark.parametrize("seed", range(4))
async def test_lifting_that_is_killed_is_finished_by_the_same_command(place: Place, seed: int) -> None:
    random = Random(seed)
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    for _ in range(6):
        at, is_carried_out = random.randint(1, 15), random.random() < 0.5
        with killed_at(at, place.dynamodb, is_carried_out=is_carried_out), suppress(Killed):
            await place.rights.lift_hold(ALICE, REASON)
    await place.rights.lift_hold(ALICE, REASON)

    assert lasting(place) == {}
    assert all("held_since" not in row for row in place.rows().values())


async def test_lifting_what_is_not_held_changes_nothing(place: Place) -> None:
    await place.fill(ALICE)
    rows = place.rows()
    assert await place.rights.lift_hold(ALICE, REASON) == {"threads": 0, "rows": 0}
    assert place.rows() == rows


async def test_hold_placed_while_one_is_lifted_wins(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)
    is_lifting = asyncio.Event()

    def hold_again(request: Any) -> Any:
        is_lifting.set()

    async def placing() -> None:
        await is_lifting.wait()
        await place.rights.place_hold(ALICE, "again")

    with recorded(place.dynamodb, "DeleteItem", hold_again):
        lifted, placed = await asyncio.gather(place.rights.lift_hold(ALICE, REASON), placing(), return_exceptions=True)

    assert placed is None
    assert isinstance(lifted, HoldPlaced)
    assert expiring(place) == {}
    assert (await place.rights.hold(ALICE)).free_threads == 0


async def test_hold_lifted_while_it_is_placed_is_reported(place: Place) -> None:
    await place.fill(ALICE)

    def lift(request: Any) -> Any:
        place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(ALICE.owner.hold))

    with recorded(place.dynamodb, "Query", lift), pytest.raises(HoldLifted):
        await place.rights.place_hold(ALICE, REASON)

    await place.rights.lift_hold(ALICE, REASON)
    assert lasting(place) == {}


async def test_row_that_goes_while_its_expiry_is_restored_hinders_no_other(place: Place) -> None:
    await place.fill(ALICE)
    await place.rights.place_hold(ALICE, REASON)

    def remove(request: Any) -> Any:
        item = ALICE.owner.thread("thr_1").item(after(0), "msg_1")
        place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(item))

    def nothing(request: Any) -> Any:
        """The first is the record of the audit."""

    with recorded(place.dynamodb, "TransactWriteItems", nothing, remove):
        await place.rights.lift_hold(ALICE, REASON)
    assert lasting(place) == {}
    assert all(sort_key != "ITM#2026-11-21T12:00:00.123456#msg_1" for _, sort_key in place.rows_of(ALICE))


async def test_marks_and_intents_go_on_expiring_under_hold(place: Place) -> None:
    await place.fill(ALICE)
    await place.store.delete_thread("thr_3", USER)
    await place.rights.place_hold(ALICE, REASON)
    assert "expires_at" in place.rows_of(ALICE)[ALICE.owner.partition, "DEL#thr_3"]


async def test_rows_of_a_later_version_keep_their_expiry(place: Place) -> None:
    await place.fill(ALICE)
    key = ALICE.owner.thread("thr_1").partition, "RUN#1"
    row = Row(ALICE.owner.hold, expires_at=NOW + DAY)
    item = {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "expires_at": {"N": str(row.expires_at)}}
    place.dynamodb.put_item(TableName=place.name, Item=item)
    await place.rights.place_hold(ALICE, REASON)
    assert place.rows()[key] == item
