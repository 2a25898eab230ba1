"""A value of any model that JSON can hold is read as it was written, and pages are those of a plain list."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import GenericAlias
from typing import Any, Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, JsonValue, create_model
from types_boto3_dynamodb.client import DynamoDBClient
from ulid import ULID

from chat_testing import strategies
from chat_testing.builders import context
from chatkit_aws.records import Records
from chatkit_aws.records.keys import RecordKeys
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.keys import Owner

USER = context()


class Colour(Enum):
    RED = "red"
    BLUE = 2


class Nested(BaseModel):
    """A model within a model."""

    name: str
    more: list["Nested"] = []


_SIMPLE: dict[Any, SearchStrategy[Any]] = {
    str: strategies.text,
    int: st.integers(-(2**80), 2**80),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: st.datetimes(timezones=st.sampled_from([UTC])) | st.datetimes(),
    date: st.dates(),
    time: st.times(),
    timedelta: st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
    uuid.UUID: st.uuids(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=4),
    Colour: st.sampled_from(Colour),
    Literal["a", 1]: st.sampled_from(["a", 1]),
    JsonValue: strategies.json_values,
    Any: strategies.json_values,
    Nested: st.recursive(
        st.builds(Nested, name=strategies.text),
        lambda inner: st.builds(Nested, name=strategies.text, more=st.lists(inner, max_size=2)),
        max_leaves=4,
    ),
}
_TYPES = {
    **_SIMPLE,
    **{kind | None: st.none() | values for kind, values in _SIMPLE.items() if kind not in (Any, JsonValue)},
    **{GenericAlias(list, (kind,)): st.lists(values, max_size=3) for kind, values in _SIMPLE.items()},
    **{
        GenericAlias(dict, (str, kind)): st.dictionaries(strategies.text, values, max_size=3)
        for kind, values in _SIMPLE.items()
    },
    tuple[int, str]: st.tuples(_SIMPLE[int], strategies.text),
    set[int]: st.sets(_SIMPLE[int], max_size=3),
    dict[int, str]: st.dictionaries(_SIMPLE[int], strategies.text, max_size=3),
}


@st.composite
def values(draw: st.DrawFn) -> BaseModel:
    """A value of a model of up to five fields."""
    kinds = draw(st.lists(st.sampled_from(list(_TYPES)), max_size=5))
    fields: dict[str, Any] = {f"field_{number}": (kind, ...) for number, kind in enumerate(kinds)}
    model = create_model("Drawn", **fields)
    return model(**{f"field_{number}": draw(_TYPES[kind]) for number, kind in enumerate(kinds)})


@settings(max_examples=150)
@given(values(), values())
async def test_value_of_any_model_is_read_as_it_was_written(
    dynamodb: DynamoDBClient, table_name: str, value: BaseModel, other: BaseModel
) -> None:
    kinds = DynamoDBStore(table_name, dynamodb).kinds
    records: Records[BaseModel] = Records(kinds, "drawn", type(value), most=10_000)
    added = await records.add(value, USER)
    assert added.value == value
    assert await records.get(added.id, USER) == added
    others: Records[BaseModel] = Records(kinds, "drawn", type(other))
    changed = await records.change(added.id, lambda found: found.model_copy(), USER)
    assert changed.value == value
    again = await others.add(other, USER)
    assert await others.get(again.id, USER) == again


class Number(BaseModel):
    number: int


@settings(max_examples=40)
@given(
    count=st.integers(0, 12),
    removed=st.sets(st.integers(0, 11)),
    asked=st.tuples(st.integers(1, 13), st.sampled_from(["asc", "desc"])),
)
@example(count=12, removed=set(), asked=(4, "desc"))
async def test_pages_are_those_of_a_list_of_what_was_added(
    dynamodb: DynamoDBClient, table_name: str, count: int, removed: set[int], asked: tuple[int, str]
) -> None:
    (limit, order), user = asked, context(str(ULID()))
    numbers = Records(DynamoDBStore(table_name, dynamodb).kinds, "number", Number)
    added = [await numbers.add(Number(number=number), user) for number in range(count)]
    for number in removed & set(range(count)):
        await numbers.remove(added[number].id, user)
    ordered = list(enumerate(added)) if order == "asc" else list(enumerate(added))[::-1]
    for place in range(-1, count):  # also after one that was removed
        after = None if place < 0 else ordered[place][1].id
        rest = [record for number, record in ordered[place + 1 :] if number not in removed]
        page = await numbers.page(after, limit, order, user)
        assert page.data == rest[:limit]
        assert page.has_more == (len(rest) > limit)
        assert page.after == (rest[limit - 1].id if len(rest) > limit else None)


async def test_limit_of_a_page_is_1_to_100(dynamodb: DynamoDBClient, table_name: str) -> None:
    numbers = Records(DynamoDBStore(table_name, dynamodb).kinds, "number", Number)
    for number in range(101):
        await numbers.add(Number(number=number), USER)
    sizes = [len((await numbers.page(None, limit, "asc", USER)).data) for limit in (-1, 0, 1, 100, 1_000)]
    assert sizes == [1, 1, 1, 100, 100]


async def test_rows_are_in_their_users_partition_and_in_the_order_of_time(
    dynamodb: DynamoDBClient, table_name: str
) -> None:
    numbers = Records(DynamoDBStore(table_name, dynamodb).kinds, "number", Number)
    added = [await numbers.add(Number(number=number), USER) for number in range(3)]
    keys = RecordKeys(Owner.of(USER.tenant_id, USER.user_id), "number")
    rows = dynamodb.scan(TableName=table_name)["Items"]
    assert {row["pk"]["S"] for row in rows} == {keys.owner.partition}
    assert sorted(row["sk"]["S"] for row in rows) == [
        "RCN#number",
        *(keys.record(record.id).sk for record in added),
    ]
