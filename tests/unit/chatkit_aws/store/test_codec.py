"""Rows hold all that the SDK's objects hold. The list of item types is the SDK's own, so that a new one is tried."""

import contextlib
import json
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
from chat_testing.builders import START, assistant_message, thread, user_message
from chatkit_aws.errors import InvalidItem, ItemTooLarge
from chatkit_aws.store import codec

ids = st.just("an-id")


def through(item: ThreadItem, thread_id: str = "thr_1") -> ThreadItem:
    """The item as it is read again."""
    return codec.load_item(codec.dump_item(item, thread_id), item.id, thread_id, item.created_at)


@pytest.mark.parametrize("model", strategies.item_types())
@given(data=st.data())
@settings(max_examples=50)
def test_item_of_every_type_survives_a_round_trip(model: type[BaseModel], data: st.DataObject) -> None:
    item: Any = data.draw(strategies.item_instances(model, id=ids))
    read = through(item)
    assert read.model_dump_json() == item.model_dump_json()
    # A widget's own serializer leaves out what is null, so there the JSON is what must be the same.
    assert read == item or item.type == "widget"


@given(strategies.threads(id=ids))
def test_thread_survives_a_round_trip(original: ThreadMetadata) -> None:
    assert codec.load_thread(codec.dump_thread(original), original.id, original.created_at, None) == original


@given(strategies.attachments(id=ids))
def test_attachment_survives_a_round_trip_with_its_metadata(original: Attachment) -> None:
    assert codec.load_attachment(codec.dump_attachment(original), original.id) == original


def test_id_thread_and_time_are_left_to_the_key() -> None:
    text = codec.dump_item(user_message(), "thr_1")
    assert not {"id", "thread_id", "created_at"} & set(json.loads(text))


def test_name_of_another_thread_stays() -> None:
    item = user_message(thread_id="another")
    assert through(item, "thr_1") == item


def test_items_of_a_thread_are_not_in_its_row() -> None:
    metadata = thread()
    whole = Thread(**metadata.model_dump(), items=Page(data=[user_message("secret text")]))
    text = codec.dump_thread(whole)
    assert b"secret text" not in text
    assert codec.load_thread(text, metadata.id, metadata.created_at, None) == metadata


def test_title_of_the_user_stands_above_the_other() -> None:
    text = codec.dump_thread(thread(title="The assistant's"))
    assert codec.load_thread(text, "thr_1", START, "The user's").title == "The user's"


def test_widget_keeps_what_no_strict_widget_has() -> None:
    shape = {
        "type": "Card",
        "children": [{"type": "Text", "value": "a", "newest": [1, {"deep": "x"}]}],
        "rounded": True,
    }
    item = WidgetItem(id="w", thread_id="t", created_at=START, widget=DynamicWidgetRoot.model_validate(shape))
    read = through(item, "t")
    assert isinstance(read, WidgetItem)
    assert read.widget.model_dump(exclude_none=True) == shape


def test_strict_widget_stays_strict() -> None:
    shape = {"type": "Card", "size": "sm", "children": [{"type": "Text", "value": "a"}]}
    fields = {"type": "widget", "id": "w", "thread_id": "t", "created_at": START, "widget": shape}
    item = WidgetItem.model_validate(fields)
    assert type(item.widget).__name__ == "Card"
    assert through(item, "t") == item


@pytest.mark.parametrize("size", [5_000_000, 5_000_001])
def test_item_of_five_megabytes_is_taken_and_no_larger_one(size: int) -> None:
    rest = len(codec.dump_item(user_message(""), "thr_1"))
    item = user_message("x" * (size - rest))
    with contextlib.nullcontext() if size <= codec.MAX_BYTES else pytest.raises(ItemTooLarge, match="5,000,001"):
        assert len(codec.dump_item(item, "thr_1")) == size


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
        codec.dump_item(item, "t")
