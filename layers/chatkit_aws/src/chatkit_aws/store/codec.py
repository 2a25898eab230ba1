"""The SDK's objects as JSON by their own models, without what their rows' keys say already: id, thread and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from chatkit import types
from chatkit.types import Attachment, ThreadItem, ThreadMetadata, WidgetItem
from chatkit.widgets import DynamicWidgetRoot
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_json

from chatkit_aws import deferred
from chatkit_aws.errors import InvalidItem, ItemTooLarge

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

MAX_BYTES = 5_000_000
"""The most that a thread, an item or an attachment may have as JSON."""
MAX_TITLE_BYTES = 4_000
"""The most that a user's title may have: it shares its row with the thread's metadata."""

deferred.build(types)

_threads = TypeAdapter(ThreadMetadata)
_items: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
_attachments: TypeAdapter[Attachment] = TypeAdapter(Attachment)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the user thinks of an item, and since when, in UTC."""

    kind: Literal["positive", "negative"]
    created_at: datetime


_feedback = TypeAdapter(Feedback)


def dump_thread(thread: ThreadMetadata) -> bytes:
    """A thread, without the items that a `Thread` brings along. Raises InvalidItem, ItemTooLarge."""
    return _dump(_threads, thread, {"id", "created_at"})


def load_thread(text: bytes, thread_id: str, created_at: datetime, title: str | None) -> ThreadMetadata:
    """The thread in `text`; `title` is the one that the user gave, if any."""
    thread = _threads.validate_json(_with(text, id=thread_id, created_at=created_at.isoformat()))
    return thread if title is None else thread.model_copy(update={"title": title})


def dump_title(title: str) -> bytes:
    """A title. Raises InvalidItem, ItemTooLarge."""
    try:
        text = title.encode()
    except UnicodeEncodeError as error:
        message = "the title is not Unicode text"
        raise InvalidItem(message) from error
    if len(text) > MAX_TITLE_BYTES:
        raise ItemTooLarge(len(text), MAX_TITLE_BYTES)
    return text


def dump_item(item: ThreadItem, thread_id: str) -> bytes:
    """An item of a thread. Raises InvalidItem, ItemTooLarge."""
    return _dump(_items, item, _of_keys(item, thread_id))


def load_item(text: bytes, item_id: str, thread_id: str, created_at: datetime) -> ThreadItem:
    """The item in `text`."""
    item = _items.validate_json(_with(text, id=item_id, thread_id=thread_id, created_at=created_at.isoformat()))
    if isinstance(item, WidgetItem):
        _keep_dynamic(item, text, thread_id)
    return item


def dump_attachment(attachment: Attachment) -> bytes:
    """An attachment. Raises InvalidItem, ItemTooLarge."""
    return _dump(_attachments, attachment, {"id"})


def load_attachment(text: bytes, attachment_id: str) -> Attachment:
    """The attachment in `text`."""
    return _attachments.validate_json(_with(text, id=attachment_id))


def dump_feedback(feedback: Feedback) -> bytes:
    """Feedback on an item."""
    return _feedback.dump_json(feedback)


def load_feedback(text: bytes) -> Feedback:
    """The feedback in `text`."""
    return _feedback.validate_json(text)


def _of_keys(item: ThreadItem, thread_id: str) -> AbstractSet[str]:
    """The fields that an item's row repeats; one that names another thread keeps that name."""
    return {"id", "created_at"} | ({"thread_id"} if item.thread_id == thread_id else set())


def _with(text: bytes, **fields: str) -> bytes:
    """`text`, an object, with `fields` before its own; of two with one name the later counts."""
    head = to_json(fields)[:-1]
    return head + b"," + text[1:] if len(text) > len(b"{}") else head + b"}"


def _keep_dynamic(item: WidgetItem, text: bytes, thread_id: str) -> None:
    """Read the widget without a fixed shape where the fixed one loses part of it.

    The SDK reads JSON as the strict widget that it knows, which drops what a template added, and never says so.
    """
    if _dump(_items, item, _of_keys(item, thread_id)) != text:
        item.widget = DynamicWidgetRoot.model_validate(json.loads(text)["widget"])


def _dump(adapter: TypeAdapter[Any], value: object, exclude: AbstractSet[str]) -> bytes:
    try:
        text = adapter.dump_json(value, exclude=set(exclude))
    except PydanticSerializationError as error:
        message = "the item cannot be written as JSON in UTF-8"
        raise InvalidItem(message) from error
    if len(text) > MAX_BYTES:
        raise ItemTooLarge(len(text), MAX_BYTES)
    return text
