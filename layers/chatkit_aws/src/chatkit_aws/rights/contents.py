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
from chatkit_aws.rights import storable
from chatkit_aws.rights.archive import AttachmentEntry, FeedbackEntry, RecordEntry, ThreadEntry, thread_member
from chatkit_aws.rights.errors import InvalidArchive
from chatkit_aws.store import codec, keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatkit_aws.rights.reading import Archive
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.keys import Owner, ThreadKeys

_PARTS = ("/items.jsonl", "/feedback.jsonl")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an archive, to be written for `owner`: sealed or not, items of any size or only what fits in rows."""

    archive: Archive
    owner: Owner
    sealed: bool = False
    any_size: bool = True

    def check(self) -> None:
        """Read everything once. Raises InvalidArchive."""
        found: set[str] = set()
        threads = self.threads
        for number in threads:
            thread = self.owner.thread(self.thread(number).thread.id)
            found.add(thread.thread_id)
            with _valid(thread_member(number, "items.jsonl")):
                storable.check_once(item.id for item in self.items(number, thread.thread_id))
            with _valid(thread_member(number, "feedback.jsonl")):
                storable.check_once(entry.item_id for entry in self.feedback(number, thread))
        with _valid("attachments"):
            storable.check_once(entry.attachment.id for entry in self.attachments())
        with _valid("records"):
            storable.check_once(f"{one.name} {one.id}" for name in self.record_members for one in self.records(name))
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
            storable.check_thread(self.owner, entry, sealed=self.sealed)
        return entry

    def items(self, number: int, thread_id: str) -> Iterator[ThreadItem]:
        """A thread's items in their order. Raises InvalidArchive."""
        name = thread_member(number, "items.jsonl")
        for line in self.archive.lines(name):
            with _valid(name):
                item = _item_of(line, thread_id)
                self.owner.thread(thread_id).item(item.created_at, item.id)
                text = codec.dump_item(item, thread_id)
                if not self.any_size:
                    storable.check_item(text, sealed=self.sealed)
            yield item

    def feedback(self, number: int, thread: ThreadKeys) -> Iterator[FeedbackEntry]:
        """What is thought of a thread's items. Raises InvalidArchive."""
        name = thread_member(number, "feedback.jsonl")
        for entry in self._entries(FeedbackEntry, name) if self.archive.has(name) else ():
            with _valid(name):
                storable.check_feedback(thread, entry)
            yield entry

    def attachments(self) -> Iterator[AttachmentEntry]:
        """All attachments. Raises InvalidArchive."""
        for name in self.archive.names("attachments/", ".jsonl"):
            for entry in self._entries(AttachmentEntry, name):
                with _valid(name):
                    storable.check_attachment(self.owner, entry, sealed=self.sealed)
                yield entry

    @property
    def record_members(self) -> list[str]:
        """The members that have its records, in order."""
        return self.archive.names("records/", ".jsonl")

    def records(self, member: str) -> Iterator[RecordEntry]:
        """The records in a member. Raises InvalidArchive."""
        for entry in self._entries(RecordEntry, member):
            with _valid(member):
                storable.check_record(self.owner, entry)
            yield entry

    def _entries[EntryT: BaseModel](self, kind: type[EntryT], name: str) -> Iterator[EntryT]:
        for line in self.archive.lines(name):
            with _valid(name):
                entry = kind.model_validate_json(line)
            yield entry


async def checked(archive: Archive, owner: Owner, storage: Storage) -> Contents:
    """The contents, if all of them can be stored there. Raises InvalidArchive."""
    sealed = storage.bodies.cipher is not None
    contents = Contents(archive, owner, sealed=sealed, any_size=storage.objects is not None)
    await asyncio.to_thread(contents.check)
    return contents


@contextmanager
def _valid(name: str) -> Iterator[None]:
    """Raises InvalidArchive for what cannot be read or stored; its message holds nothing of it."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, ItemTooLarge) as error:
        message = f"{name}: something in it cannot be stored ({type(error).__name__})"
        raise InvalidArchive(message) from None


def _item_of(line: bytes, thread_id: str) -> ThreadItem:
    """The item in a line, read exactly as from a row."""
    fields = json.loads(line)
    item_id, created_at = fields.pop("id"), datetime.fromisoformat(fields.pop("created_at"))
    if fields.get("thread_id") == thread_id:
        del fields["thread_id"]
    return codec.load_item(to_json(fields), item_id, thread_id, keys.naive_utc(created_at))
