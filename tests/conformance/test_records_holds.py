"""Under legal hold records neither expire nor are removed, whoever writes while it is placed; lifting gives it back."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from chat_testing.boto_calls import recorded
from chat_testing.builders import context, thread
from chat_testing.kept_records import Note, fill, notes, rows, seen
from chat_testing.killing import Killed, killed_at
from chat_testing.rights import ALICE, BOB, NOW, REASON, Place
from chatkit_aws.errors import Held, RecordNotFound, StoreUnavailable
from chatkit_aws.rights.errors import HoldPlaced
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import key_attributes

USER, OTHER = context("alice"), context("bob")


async def test_under_hold_nothing_expires_or_is_removed_and_changes_go_on(place: Place) -> None:
    kept = await fill(place)
    counts = await place.rights.place_hold(ALICE, REASON)
    assert counts == {"threads": 0, "rows": 0, "records": 4}
    added = await notes(place).add(Note(value="new"), USER)
    new = await notes(place, "third").add(Note(value="of a new name"), USER)
    changed = await notes(place).change(kept[1].id, lambda _: Note(value="changed"), USER)
    for record, name in ((kept[0], "note"), (changed, "note"), (added, "note"), (new, "third"), (kept[3], "other")):
        with pytest.raises(Held):
            await notes(place, name).remove(record.id, USER)
    assert await notes(place).remove(new.id, USER) is False
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)
    assert all("expires_at" not in row and "held_since" in row for row in rows(place).values())
    place.clock.now += 20 * 365 * DAY
    assert await seen(place, ALICE) == [kept[0], changed, kept[2], added]
    state = await place.rights.hold(ALICE)
    assert (state.is_complete, state.records, state.free_records) == (True, 6, 0)


async def test_others_records_are_not_held(place: Place) -> None:
    await fill(place)
    [*_, other] = await fill(place, BOB)
    before = rows(place, BOB)
    await place.rights.place_hold(ALICE, REASON)
    await place.rights.lift_hold(ALICE, REASON)
    assert rows(place, BOB) == before
    await place.rights.place_hold(ALICE, REASON)
    assert await notes(place, "other").remove(other.id, OTHER) is True


async def test_what_had_expired_is_not_brought_back_by_a_hold(place: Place) -> None:
    kept = await fill(place)
    place.clock.now += 40 * DAY
    await place.rights.place_hold(ALICE, REASON)
    with pytest.raises(RecordNotFound):
        await notes(place).get(kept[0].id, USER)
    assert (await place.rights.hold(ALICE)).records == 1


async def test_lifted_hold_gives_each_record_the_days_it_has(place: Place) -> None:
    kept = await fill(place)
    await place.rights.place_hold(ALICE, REASON)
    place.clock.now = NOW + 400 * DAY + 1
    added = await notes(place, keep_days=3).add(Note(value="new"), USER)
    counts = await place.rights.lift_hold(ALICE, REASON)
    assert counts == {"threads": 0, "rows": 0, "records": 5}
    expiries = [(row.get("expires_at", {}).get("N"), "held_since" in row) for row in rows(place).values()]
    assert expiries == [
        *[(str(NOW + 431 * DAY), False)] * 3,
        (str(NOW + 404 * DAY), False),
        (None, False),
    ]
    assert await notes(place).remove(kept[0].id, USER) is True
    assert await seen(place, ALICE) == [*kept[1:3], added]
    assert (await place.rights.erase(ALICE, REASON)).is_complete


@pytest.mark.parametrize("seed", range(3))
async def test_placing_and_lifting_that_are_killed_are_finished_by_the_same_command(place: Place, seed: int) -> None:
    random = Random(seed)
    await fill(place, count=6)
    await place.store.save_thread(thread(), USER)
    for use in (place.rights.place_hold, place.rights.lift_hold):
        for _ in range(4):
            at, is_carried_out = random.randint(1, 12), random.random() < 0.5
            with killed_at(at, place.dynamodb, is_carried_out=is_carried_out), suppress(Killed):
                await use(ALICE, REASON)
        if use == place.rights.lift_hold:
            break
        await use(ALICE, REASON)
        assert all("held_since" in row and "expires_at" not in row for row in rows(place).values())
    await place.rights.lift_hold(ALICE, REASON)
    assert all("held_since" not in row for row in rows(place).values())
    assert sum("expires_at" in row for row in rows(place).values()) == 6


async def test_hold_that_is_half_lifted_still_counts(place: Place) -> None:
    kept = await fill(place)
    await place.rights.place_hold(ALICE, REASON)
    place.dynamodb.delete_item(TableName=place.name, Key=key_attributes(ALICE.owner.hold))
    with pytest.raises(Held):
        await place.rights.erase(ALICE, REASON)
    with pytest.raises(Held):
        await notes(place).remove(kept[0].id, USER)
    state = await place.rights.hold(ALICE)
    assert (state.is_placed, state.records, state.free_records) == (False, 4, 0)


async def test_whoever_writes_while_a_hold_is_placed_and_lifted_writes_what_lasts_and_then_what_does_not(
    place: Place,
) -> None:
    is_over, at_least = asyncio.Event(), asyncio.Event()
    kept = [await notes(place).add(Note(value=0), USER) for _ in range(4)]

    async def write(writer: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            # On a busy machine a write may give up among so many conflicts; it then was not acknowledged.
            with suppress(Held, StoreUnavailable):
                added = await notes(place, f"writer_{writer}").add(Note(value=number), USER)
                await notes(place).change(kept[writer].id, lambda note: Note(value=note.value + 1), USER)
                if number > 3:
                    at_least.set()
                if number % 2:
                    await notes(place, f"writer_{writer}").remove(added.id, USER)

    async def placing() -> None:
        try:
            await at_least.wait()
            await place.rights.place_hold(ALICE, REASON)
            held = rows(place)
            assert all("held_since" in row and "expires_at" not in row for row in held.values())
            at_least.clear()
            await at_least.wait()
            assert held.keys() <= rows(place).keys()
            assert all("held_since" in row and "expires_at" not in row for row in rows(place).values())
            await place.rights.lift_hold(ALICE, REASON)
            assert all("held_since" not in row and "expires_at" in row for row in rows(place).values())
        finally:
            is_over.set()

    await asyncio.gather(placing(), *(write(writer) for writer in range(3)))
    for writer in range(3):
        [count] = [row for key, row in place.rows_of(ALICE).items() if key[1] == f"RCN#writer_{writer}"]
        assert int(count["records"]["N"]) == len(await seen(place, ALICE, f"writer_{writer}"))


async def test_hold_placed_while_one_is_lifted_wins(place: Place) -> None:
    await fill(place)
    await place.rights.place_hold(ALICE, REASON)
    is_lifting = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold_again(_request: Any) -> None:
        loop.call_soon_threadsafe(is_lifting.set)

    async def placing() -> None:
        await is_lifting.wait()
        await place.rights.place_hold(ALICE, "again")

    with recorded(place.dynamodb, "DeleteItem", hold_again):
        lifted, placed = await asyncio.gather(place.rights.lift_hold(ALICE, REASON), placing(), return_exceptions=True)
    assert placed is None
    assert isinstance(lifted, HoldPlaced | dict)
    assert all("held_since" in row and "expires_at" not in row for row in rows(place).values())
