"""What the SDK's objects are in a row: JSON by their own models, and a format version for those that come later.

The time of creation is read back from the row's place in time, which never moves, not from the body.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatkit.types import Attachment, ThreadItem, ThreadMetadata, WidgetItem
from chatkit.widgets import DynamicWidgetRoot
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from chatkit_aws.errors import InvalidItem, UnknownFormat
from chatkit_aws.store import keys

if TYPE_CHECKING:
    from datetime import datetime

FORMAT = 1
"""The version that rows are written in: `body` is JSON text."""

_threads = TypeAdapter(ThreadMetadata)
_items: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
_attachments: TypeAdapter[Attachment] = TypeAdapter(Attachment)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a thread, an item or an attachment.

    `by_time` is its place in the index, `type` the SDK's name of what it holds, `expires_at` seconds since the epoch.
    """

    key: keys.Key
    by_time: str
    type: str
    body: str
    version: int = FORMAT
    expires_at: int | None = None


def thread_row(user: str, thread: ThreadMetadata) -> Row:
    """The row of a thread, without the items that a `Thread` brings along. Raises InvalidId, InvalidItem."""
    position = keys.by_time(keys.THREAD, thread.created_at, thread.id)
    return Row(keys.thread_key(user, thread.id), position, "thread", _dump(_threads, thread))


def item_row(user: str, thread_id: str, item: ThreadItem) -> Row:
    """The row of an item. Raises InvalidId, InvalidItem."""
    position = keys.by_time(keys.ITEM, item.created_at, item.id)
    return Row(keys.item_key(user, thread_id, item.id), position, item.type, _dump(_items, item))


def attachment_row(user: str, attachment: Attachment, created_at: datetime) -> Row:
    """The row of an attachment, first saved at `created_at`. Raises InvalidId, InvalidItem."""
    position = keys.by_time(keys.ATTACHMENT, created_at, attachment.id)
    return Row(keys.attachment_key(user, attachment.id), position, attachment.type, _dump(_attachments, attachment))


def thread_of(row: Row) -> ThreadMetadata:
    """The thread in a row. Raises UnknownFormat."""
    thread = _load(_threads, row)
    thread.created_at = keys.created_at_of(row.by_time)
    return thread


def item_of(row: Row) -> ThreadItem:
    """The item in a row. Raises UnknownFormat."""
    item = _load(_items, row)
    if isinstance(item, WidgetItem):
        _keep_dynamic(item, row.body)
    item.created_at = keys.created_at_of(row.by_time)
    return item


def attachment_of(row: Row) -> Attachment:
    """The attachment in a row. Raises UnknownFormat."""
    return _load(_attachments, row)


def _keep_dynamic(item: WidgetItem, body: str) -> None:
    """Read the widget without a fixed shape where the fixed one loses part of it.

    The SDK reads JSON as the strict widget that it knows, which drops what a template added, and never says so.
    """
    if _dump(_items, item) != body:
        item.widget = DynamicWidgetRoot.model_validate(json.loads(body)["widget"])


def _dump(adapter: TypeAdapter[Any], value: object) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError as error:
        message = "the item cannot be written as JSON in UTF-8"
        raise InvalidItem(message) from error


def _load[T](adapter: TypeAdapter[T], row: Row) -> T:
    if row.version != FORMAT:
        raise UnknownFormat(row.version)
    return adapter.validate_json(row.body)
