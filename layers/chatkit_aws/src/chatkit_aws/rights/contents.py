"""What an archive holds, as the SDK's objects: each is checked for whether it can be stored with the user's keys."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chatkit.types import ThreadItem
from pydantic import BaseModel
from pydantic_core import to_json

from chatkit_aws.errors import ItemTooLarge
from chatkit_aws.rights.archive import AttachmentEntry, FeedbackEntry, ThreadEntry, thread_member
from chatkit_aws.rights.errors import InvalidArchive
from chatkit_aws.store import codec, keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatkit_aws.rights.reading import Archive
    from chatkit_aws.store.keys import Owner

_MAX_NAME_BYTES = 512
_PARTS = ("/items.jsonl", "/feedback.jsonl")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an archive, to be written for `owner`."""

    archive: Archive
    owner: Owner

    def check(self) -> None:
        """Read everything once. Raises InvalidArchive."""
        found: set[str] = set()
        threads = self.threads
        for number in threads:
            thread = self.thread(number).thread
            found.add(thread.id)
            for _ in self.items(number, thread.id):
                pass
            for _ in self.feedback(number):
                pass
        files = [file.member for entry in self.attachments() for file in entry.files]
        rest = [name for part in _PARTS for name in self.archive.names("threads/", part)]
        if len(found) != len(threads) or sorted(files) != self.archive.names("files/", ""):
            message = "it has a thread twice, or files that are not those of its attachments"
            raise InvalidArchive(message)
        if any(int(name.split("/")[1]) not in threads for name in rest):
            message = "it has items without their thread"
            raise InvalidArchive(message)

    @property
    def threads(self) -> range:
        """The numbers of its threads."""
        return range(1, 1 + len(self.archive.names("threads/", "/thread.json")))

    def thread(self, number: int) -> ThreadEntry:
        """A thread, without what is in it. Raises InvalidArchive."""
        name = thread_member(number, "thread.json")
        with _valid(name):
            [entry] = self._entries(ThreadEntry, name)
            codec.dump_thread(entry.thread)
            self.owner.thread(entry.thread.id)
        return entry

    def items(self, number: int, thread_id: str) -> Iterator[ThreadItem]:
        """A thread's items in their order. Raises InvalidArchive."""
        name = thread_member(number, "items.jsonl")
        for line in self.archive.lines(name):
            with _valid(name):
                item = _item_of(line, thread_id)
                self.owner.thread(thread_id).item(item.created_at, item.id)
                codec.dump_item(item, thread_id)
            yield item

    def feedback(self, number: int) -> Iterator[FeedbackEntry]:
        """What is thought of a thread's items. Raises InvalidArchive."""
        name = thread_member(number, "feedback.jsonl")
        if self.archive.has(name):
            yield from self._entries(FeedbackEntry, name)

    def attachments(self) -> Iterator[AttachmentEntry]:
        """All attachments. Raises InvalidArchive."""
        for name in self.archive.names("attachments/", ".jsonl"):
            for entry in self._entries(AttachmentEntry, name):
                with _valid(name):
                    codec.dump_attachment(entry.attachment)
                    self.owner.attachment(entry.attachment.id)
                    self.owner.thread(entry.attachment.thread_id or "none")
                    _check_names([file.name for file in entry.files])
                yield entry

    def _entries[EntryT: BaseModel](self, kind: type[EntryT], name: str) -> Iterator[EntryT]:
        for line in self.archive.lines(name):
            with _valid(name):
                entry = kind.model_validate_json(line)
            yield entry


async def checked(archive: Archive, owner: Owner) -> Contents:
    """The contents, if all of them can be stored. Raises InvalidArchive."""
    contents = Contents(archive, owner)
    await asyncio.to_thread(contents.check)
    return contents


@contextmanager
def _valid(name: str) -> Iterator[None]:
    """Raises InvalidArchive for what cannot be read or stored; its message holds nothing of it."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ItemTooLarge) as error:
        message = f"{name}: something in it cannot be stored ({type(error).__name__})"
        raise InvalidArchive(message) from None


def _item_of(line: bytes, thread_id: str) -> ThreadItem:
    """The item in a line, read exactly as from a row."""
    fields = json.loads(line)
    item_id, created_at = fields.pop("id"), datetime.fromisoformat(fields.pop("created_at"))
    if fields.get("thread_id") == thread_id:
        del fields["thread_id"]
    return codec.load_item(to_json(fields), item_id, thread_id, keys.naive_utc(created_at))


def _check_names(names: list[str]) -> None:
    """Raises ValueError for a name that would not lie below its attachment's prefix, or is there twice."""
    for name in names:
        parts = name.split("/")
        if not name.isprintable() or len(name.encode()) > _MAX_NAME_BYTES or {"", ".", ".."} & set(parts):
            message = "a file's name leads elsewhere"
            raise ValueError(message)
    if len(set(names)) != len(names):
        message = "two files have one name"
        raise ValueError(message)
