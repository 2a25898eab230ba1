import itertools
from typing import get_args

import pytest
from chatkit.store import StoreItemType, default_generate_id
from ulid import ULID

from chatkit_aws.ids import UlidIds

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
