"""Whether what an archive holds can be stored: asked before anything of it is. All raise ValueError or ItemTooLarge."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from pydantic_core import to_json

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.records.ids import added_at
from chatkit_aws.records.keys import RecordKeys, check_name
from chatkit_aws.records.record import milliseconds_of, moment_of
from chatkit_aws.records.values import MAX_BYTES
from chatkit_aws.store import codec, compression, keys, object_names
from chatkit_aws.store.rows import MAX_ROW_BYTES, Row, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatkit.types import Attachment

    from chatkit_aws.rights.archive import AttachmentEntry, FeedbackEntry, FileEntry, RecordEntry, ThreadEntry
    from chatkit_aws.store.keys import Owner, ThreadKeys

_FORMAT_BYTES = 1
_SEAL_BYTES = 512
"""The most that sealing adds: a data key as KMS wraps it has less than 300 bytes."""
_MAX_KEY_BYTES = 1_024
"""The most that an object's key may have (S3 User Guide, Naming Amazon S3 objects)."""
_MAX_METADATA_BYTES = 2_048
"""The most that S3 keeps for the user, and for itself, of an object (S3 User Guide, Working with object metadata)."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no request that deletes the object could name (XML 1.0, Characters)."""


def check_thread(owner: Owner, entry: ThreadEntry, *, sealed: bool) -> None:
    """A thread with the user's title fits into its row, and its time into a key."""
    thread = owner.thread(entry.thread.id)
    by_time = keys.by_time(keys.THREAD, entry.thread.created_at, entry.thread.id)
    title = None if entry.user_title is None else _body(codec.dump_title(entry.user_title), sealed=sealed)
    body = _body(codec.dump_thread(entry.thread), sealed=sealed)
    values_of(Row(thread.row, by_time, body, title=title, held_since=sys.maxsize, expires_at=sys.maxsize))


def check_item(text: bytes, *, sealed: bool) -> None:
    """An item fits into its row, as it must where there is no bucket. Keys are far below what is left."""
    if (size := len(_body(text, sealed=sealed)) + 4 * keys.MAX_PART_BYTES) > MAX_ROW_BYTES:
        raise ItemTooLarge(size, MAX_ROW_BYTES)


def check_feedback(thread: ThreadKeys, entry: FeedbackEntry) -> None:
    """Feedback has an item's id, and a time."""
    thread.feedback(entry.item_id)
    keys.naive_utc(entry.created_at)


def check_attachment(owner: Owner, entry: AttachmentEntry, *, sealed: bool) -> None:
    """An attachment fits into its row, and its files into the bucket."""
    attachment: Attachment = entry.attachment
    key, by_time = owner.attachment(attachment.id), keys.by_time(keys.ATTACHMENT, entry.created_at, attachment.id)
    thread = None if attachment.thread_id is None else owner.thread(attachment.thread_id).escaped
    body = _body(codec.dump_attachment(attachment), sealed=sealed)
    values_of(Row(key, by_time, body, thread=thread, expires_at=sys.maxsize))
    check_once(file.name for file in entry.files)
    for file in entry.files:
        _check_key(object_names.attachment(owner, attachment.id) + file.name)
        _check_metadata(file)


def check_record(owner: Owner, entry: RecordEntry) -> None:
    """A record has a name and an id that records have, times that can be read, and a value that is not too large."""
    key = RecordKeys(owner, check_name(entry.name)).record(entry.id)
    moment_of(added_at(keys.id_of(key.sk)))
    moment_of(milliseconds_of(entry.changed_at))
    if (size := len(to_json(entry.value))) > MAX_BYTES:
        raise ItemTooLarge(size, MAX_BYTES)


def check_once(names: Iterable[str]) -> None:
    """Nothing is named twice."""
    found = list(names)
    if len(set(found)) != len(found):
        message = "it has two of one name"
        raise ValueError(message)


def _check_key(key: str) -> None:
    """A name that S3 can have: `..` is a part of it as any other, as long as it does not lead out of the bucket."""
    depth = 0
    for part in key.split("/"):
        depth += -1 if part == ".." else 1
        if depth < 0:
            message = "a file's name leads elsewhere"
            raise ValueError(message)
    if len(key.encode()) > _MAX_KEY_BYTES or _NOT_IN_XML.search(key):
        message = "a file's name cannot be an object's"
        raise ValueError(message)


def _check_metadata(file: FileEntry) -> None:
    """What becomes headers of a request, and nothing but what it says."""
    names, texts = file.metadata.keys(), [file.content_type or "", *file.metadata.values()]
    check_once(name.lower() for name in names)
    size = sum(len(name) + len(text) for name, text in file.metadata.items())
    if size > _MAX_METADATA_BYTES or len(file.content_type or "") > _MAX_METADATA_BYTES:
        message = "a file's metadata is larger than S3 keeps"
        raise ValueError(message)
    if not all(map(_HEADER_NAME.fullmatch, names)) or not all(map(_HEADER_VALUE.fullmatch, texts)):
        message = "a file's metadata cannot be sent"
        raise ValueError(message)


def _body(text: bytes, *, sealed: bool) -> bytes:
    """As many bytes as the row's will be."""
    return compression.pack(text) + bytes(_FORMAT_BYTES + _SEAL_BYTES * sealed)
