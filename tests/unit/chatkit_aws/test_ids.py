import itertools
from typing import get_args

import pytest
from chatkit.store import StoreItemType, default_generate_id
from ulid import ULID

from chatkit_aws.ids import UlidIds, is_own

NOW = 1_795_262_400.5


@pytest.mark.parametrize("item_type", get_args(StoreItemType))
def test_every_type_has_the_prefix_of_the_sdk(item_type: StoreItemType) -> None:
    assert UlidIds(lambda: NOW)(item_type).split("_")[0] == default_generate_id(item_type).split("_")[0]


def test_id_holds_the_time_and_80_random_bits() -> None:
    ids = [ULID.from_str(UlidIds(lambda: NOW)("message").removeprefix("msg_")) for _ in range(200)]
    assert {ulid.timestamp for ulid in ids} == {NOW}
    bits = [int(ulid) & (2**80 - 1) for ulid in ids]
    varying = [bit for bit in range(80) if len({number >> bit & 1 for number in bits}) > 1]
    assert len(varying) == 80


def test_ids_of_one_process_ascend_within_a_millisecond() -> None:
    new_id = UlidIds(lambda: NOW)
    made = [new_id("message") for _ in range(1000)]
    assert made == sorted(set(made))


def test_later_ids_sort_after_earlier_ones() -> None:
    clock = itertools.count(NOW, 0.001)
    new_id = UlidIds(lambda: next(clock))
    assert new_id("thread") < new_id("thread")


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("thr_01KASVN8Z0T4XN8ZC6V2M1QEJB", True),
        ("msg_01KASVN8Z0T4XN8ZC6V2M1QEJB", True),
        ("thr_my own words", False),
        ("thr_01KASVN8Z0T4XN8ZC6V2M1QEJB ", False),
        ("", False),
        (None, False),
    ],
)
def test_only_what_is_made_like_an_id_counts_as_one(text: str | None, own: bool) -> None:
    assert is_own(text) == own
