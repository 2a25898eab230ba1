"""Rows hold all that the SDK's objects hold. The list of item types is the SDK's own, so that a new one is tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from chatkit.types import (
    AssistantMessageContent,
    Attachment,
    HiddenContextItem,
    Page,
    Thread,
    ThreadItem,
    ThreadMetadata,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chat_testing import strategies
from chat_testing.builders import START, assistant_message, file_attachment, thread, user_message
from chatkit_aws.errors import InvalidItem, UnknownFormat
from chatkit_aws.store import codec, keys

USER = keys.user_partition("tenant", "user")
ids = st.just("an-id")


@pytest.mark.parametrize("model", strategies.item_types())
@given(data=st.data())
@settings(max_examples=50)
def test_item_of_every_type_survives_a_round_trip(model: type[BaseModel], data: st.DataObject) -> None:
    item: Any = data.draw(strategies.item_instances(model, id=ids))
    read = codec.item_of(codec.item_row(USER, "thread", item))
    assert read.model_dump_json() == item.model_dump_json()
    # A widget's own serializer leaves out what is null, so there the JSON is what must be the same.
    assert read == item or item.type == "widget"


@given(strategies.threads(id=ids))
def test_thread_survives_a_round_trip(original: ThreadMetadata) -> None:
    assert codec.thread_of(codec.thread_row(USER, original)) == original


@given(strategies.attachments(id=ids), st.datetimes())
def test_attachment_survives_a_round_trip_with_its_metadata(original: Attachment, now: datetime) -> None:
    assert codec.attachment_of(codec.attachment_row(USER, original, now)) == original


@given(strategies.items(id=ids), st.datetimes())
def test_created_time_is_the_rows_place_in_time(item: ThreadItem, first: datetime) -> None:
    row = replace(codec.item_row(USER, "thread", item), by_time=keys.by_time(keys.ITEM, first, item.id))
    assert codec.item_of(row).created_at == first


def test_time_with_a_zone_is_read_as_naive_utc() -> None:
    moment = datetime(2026, 11, 21, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))
    read = codec.item_of(codec.item_row(USER, "thread", user_message(created_at=moment)))
    assert read.created_at == moment.astimezone(UTC).replace(tzinfo=None)


def test_items_of_a_thread_are_not_in_its_row() -> None:
    metadata = thread()
    whole = Thread(**metadata.model_dump(), items=Page(data=[user_message("secret text")]))
    row = codec.thread_row(USER, whole)
    assert "secret text" not in row.body
    assert codec.thread_of(row) == metadata


def test_widget_keeps_what_no_strict_widget_has() -> None:
    shape = {
        "type": "Card",
        "children": [{"type": "Text", "value": "a", "newest": [1, {"deep": "x"}]}],
        "rounded": True,
    }
    item = WidgetItem(id="w", thread_id="t", created_at=START, widget=DynamicWidgetRoot.model_validate(shape))
    read = codec.item_of(codec.item_row(USER, "t", item))
    assert isinstance(read, WidgetItem)
    assert read.widget.model_dump(exclude_none=True) == shape


def test_strict_widget_stays_strict() -> None:
    shape = {"type": "Card", "size": "sm", "children": [{"type": "Text", "value": "a"}]}
    fields = {"type": "widget", "id": "w", "thread_id": "t", "created_at": START, "widget": shape}
    item = WidgetItem.model_validate(fields)
    assert type(item.widget).__name__ == "Card"
    assert codec.item_of(codec.item_row(USER, "t", item)) == item


def test_row_names_type_and_format() -> None:
    row = codec.item_row(USER, "t", assistant_message())
    assert (row.type, row.version, row.expires_at) == ("assistant_message", codec.FORMAT, None)


def test_row_of_a_later_format_is_refused() -> None:
    row = replace(codec.thread_row(USER, thread()), version=99)
    with pytest.raises(UnknownFormat, match="99"):
        codec.thread_of(row)


@pytest.mark.parametrize(
    "item",
    [
        assistant_message(content=[AssistantMessageContent.model_construct(text="\ud800", annotations=[])]),
        HiddenContextItem(id="h", thread_id="t", created_at=START, content=b"\xff"),
        HiddenContextItem(id="h", thread_id="t", created_at=START, content=object()),
    ],
    ids=["half surrogate pair", "bytes", "object"],
)
def test_item_that_is_no_json_is_refused(item: ThreadItem) -> None:
    with pytest.raises(InvalidItem):
        codec.item_row(USER, "t", item)


def test_attachment_is_placed_at_the_time_given() -> None:
    row = codec.attachment_row(USER, file_attachment(), datetime(2026, 11, 21, tzinfo=UTC))
    assert row.by_time == "ATT#2026-11-21T00:00:00.000000#atc_1"
