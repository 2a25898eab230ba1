from dataclasses import fields, replace
from typing import Any

import pytest

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.store.keys import Key
from chatkit_aws.store.rows import MAX_INDEXED_ROW_BYTES, MAX_ROW_BYTES, Row, key_attributes, row_of, values_of

ITEM = Row(Key("p", "s"), body=b"{}")
THREAD = replace(ITEM, by_time="THR#t#id")
REST = {ITEM: len("pkskbodyps"), THREAD: len("pkskbodyby_timepsTHR#t#id")}
LIMITS = [(ITEM, MAX_ROW_BYTES), (THREAD, MAX_INDEXED_ROW_BYTES)]


def test_row_with_every_field_is_read_as_it_was_written() -> None:
    values: dict[str, Any] = {"str": "text", "bytes": b"bytes", "int": 1_795_262_400, "bool": True}
    kinds = {field.name: str(field.type).split(" ", maxsplit=1)[0] for field in fields(Row) if field.name != "key"}
    full = replace(ITEM, **{name: values[kind] for name, kind in kinds.items()})
    assert row_of({**key_attributes(full.key), **values_of(full)}) == full


def test_what_is_not_set_is_not_written() -> None:
    assert set(values_of(ITEM)) == {"body"}


def test_attribute_of_a_later_version_is_passed_over() -> None:
    assert row_of({**key_attributes(ITEM.key), **values_of(ITEM), "newer": {"SS": ["a"]}}) == ITEM


@pytest.mark.parametrize(("row", "limit"), LIMITS, ids=["not in the index", "in the index"])
def test_row_of_dynamodbs_limit_is_written(row: Row, limit: int) -> None:
    values_of(replace(row, body=b"x" * (limit - REST[row])))


@pytest.mark.parametrize(("row", "limit"), LIMITS, ids=["not in the index", "in the index"])
def test_row_larger_than_dynamodbs_limit_is_refused_with_its_size(row: Row, limit: int) -> None:
    with pytest.raises(ItemTooLarge) as refused:
        values_of(replace(row, body=b"x" * (limit - REST[row] + 1)))
    assert (refused.value.size, refused.value.limit) == (limit + 1, limit)


def test_size_counts_bytes_and_not_characters() -> None:
    with pytest.raises(ItemTooLarge):
        values_of(replace(ITEM, item_sk="é" * (MAX_ROW_BYTES // 2)))
