"""Whatever tenants, users and ids hold: two different owners or things never share a key."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_testing.builders import START, after
from chatkit_aws.errors import InvalidId
from chatkit_aws.store import keys

# Few characters, those that could break out of a part among them, so that examples come close to each other.
parts = st.text(alphabet="#%235TENUSRHIM~\x00é", min_size=1, max_size=8) | st.text(min_size=1, max_size=60)
paths = st.tuples(parts, parts, parts, parts)
Path = tuple[str, str, str, str]


def every_key(path: Path) -> list[keys.Key]:
    tenant, user, thread, thing = path
    owner = keys.Owner.of(tenant, user)
    below = owner.thread(thread)
    return [
        below.row,
        below.deleted,
        owner.hold,
        owner.attachment(thing),
        below.item(START, thing),
        below.place(thing),
        below.attached(thing),
        below.feedback(thing),
    ]


@given(paths, paths)
def test_different_paths_have_different_keys(one: Path, other: Path) -> None:
    places = [keys.Owner.of(*path[:2]).thread(path[2]).place(path[3]) for path in (one, other)]
    assert (places[0] == places[1]) == (one == other)
    threads = [keys.Owner.of(*path[:2]).thread(path[2]).row for path in (one, other)]
    assert (threads[0] == threads[1]) == (one[:3] == other[:3])


@given(paths)
def test_kinds_of_rows_never_share_a_key(path: Path) -> None:
    made = every_key(path)
    assert len(set(made)) == len(made)


@given(paths, paths)
def test_every_key_begins_with_its_owners_partition_and_no_others(one: Path, other: Path) -> None:
    own, foreign = keys.Owner.of(*one[:2]).partition, keys.Owner.of(*other[:2]).partition
    assert all(key.pk.startswith(own) for key in every_key(one))
    if own != foreign:
        assert not any(key.pk.startswith(foreign) for key in every_key(one))


@given(paths)
def test_keys_fit_into_dynamodb(path: Path) -> None:
    for key in every_key(path):
        assert len(key.pk.encode()) <= 2048
        assert len(key.sk.encode()) <= 1024


def test_longest_parts_fit_into_dynamodb() -> None:
    longest = "x" * keys.MAX_PART_BYTES
    key = keys.Owner.of(longest, longest).thread(longest).item(START, longest)
    assert len(key.pk.encode()) <= 2048
    assert len(key.sk.encode()) <= 1024
    assert len(keys.by_time(keys.ATTACHMENT, START, longest).encode()) <= 1024


@pytest.mark.parametrize("part", ["", "x" * 513, "é" * 257, "#" * 171, "x" * 2000, "\ud800", "a\udfff"])
def test_part_that_fits_no_key_is_refused(part: str) -> None:
    with pytest.raises(InvalidId):
        keys.escape(part)


@pytest.mark.parametrize("part", ["x" * 512, "é" * 256, "#" * 170, "\x00", " ", "."])
def test_part_that_fits_is_taken(part: str) -> None:
    assert "#" not in keys.escape(part)


@given(st.datetimes(), st.datetimes())
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])
    assert keys.by_time(keys.ITEM, earlier, "id") <= keys.by_time(keys.ITEM, later, "id")


@given(st.datetimes(), parts)
def test_time_is_read_back_to_the_microsecond(moment: datetime, part: str) -> None:
    assert keys.created_at_of(keys.by_time(keys.THREAD, moment, part)) == moment


def test_whole_second_has_the_width_of_any_other() -> None:
    whole = START.replace(microsecond=0)
    assert keys.by_time(keys.ITEM, whole, "id") == "ITM#2026-11-21T12:00:00.000000#id"
    assert keys.by_time(keys.ITEM, whole, "id") < keys.by_time(keys.ITEM, after(0), "id")


def test_zone_is_turned_into_utc() -> None:
    moment = datetime(2026, 11, 21, 2, 0, 0, 5, tzinfo=timezone(timedelta(hours=5)))
    assert keys.naive_utc(moment) == moment.astimezone(UTC).replace(tzinfo=None)
    assert keys.by_time(keys.ITEM, moment, "id") == "ITM#2026-11-20T21:00:00.000005#id"


@given(parts)
def test_id_is_read_back_from_a_key(element_id: str) -> None:
    thread = keys.Owner.of("tenant", "user").thread("thread")
    assert keys.id_of(thread.place(element_id).sk) == element_id
    assert keys.id_of(thread.item(START, element_id).sk) == element_id
