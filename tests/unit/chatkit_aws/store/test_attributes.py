from dataclasses import replace

import pytest

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.store.attributes import MAX_ROW_BYTES, key_attributes, row_of, values_of
from chatkit_aws.store.codec import Row
from chatkit_aws.store.keys import Key

ROW = Row(Key("p", "s"), by_time="ITM#t#id", type="widget", body="{}")
NAMES = len("pkskby_timetypevbody")
REST = NAMES + len("ps" + ROW.by_time + ROW.type) + 21


def test_row_is_read_as_it_was_written() -> None:
    assert row_of({**key_attributes(ROW.key), **values_of(ROW)}) == ROW


def test_expiry_is_read() -> None:
    attributes = {**key_attributes(ROW.key), **values_of(ROW)}
    attributes["expires_at"] = {"N": "1795262400"}
    assert row_of(attributes) == replace(ROW, expires_at=1_795_262_400)


def test_row_of_half_of_dynamodbs_limit_is_written() -> None:
    values_of(replace(ROW, body="x" * (MAX_ROW_BYTES - REST)))


def test_row_larger_than_half_of_dynamodbs_limit_is_refused_with_its_size() -> None:
    with pytest.raises(ItemTooLarge) as refused:
        values_of(replace(ROW, body="x" * (MAX_ROW_BYTES - REST + 1)))
    assert (refused.value.size, refused.value.limit) == (MAX_ROW_BYTES + 1, 204_800)


def test_size_counts_bytes_and_not_characters() -> None:
    with pytest.raises(ItemTooLarge):
        values_of(replace(ROW, body="é" * (MAX_ROW_BYTES // 2)))
