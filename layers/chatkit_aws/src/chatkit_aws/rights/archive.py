"""The format of an archive: a ZIP file that anybody can read without this software.

| member | holds |
| --- | --- |
| `threads/000001/thread.json` | a thread without its items, and the title that the user gave, if any |
| `threads/000001/items.jsonl` | its items, hidden ones too: a line of JSON each, in order |
| `threads/000001/feedback.jsonl` | what the user thinks of items, if there is any |
| `attachments/000001.jsonl` | up to a hundred attachments, a line each, and which members their files are |
| `files/000001` | a file |
| `records/000001.jsonl` | up to a hundred records that were kept for the user, a line each, if there are any |
| `usage.jsonl` | what each of the user's turns used, a line each, if there is any; it is not imported |
| `lost.jsonl` | what could not be read, a line each, if there is any; it is not imported |
| `manifest.json` | format, whose data, when, counts, and the SHA-256 of every other member |

No name of a member comes from the data. Times are UTC.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

from chatkit.types import Attachment, ThreadItem, ThreadMetadata
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from chatkit_aws.records.stored import MAX_KEEP_DAYS

FORMAT: Literal["chatkit-aws/export"] = "chatkit-aws/export"
VERSION: Literal[1] = 1
MANIFEST = "manifest.json"
USAGE = "usage.jsonl"
LOST = "lost.jsonl"
MEMBERS = re.compile(
    r"threads/(?P<thread>[0-9]{6,9})/(thread\.json|items\.jsonl|feedback\.jsonl)"
    r"|attachments/[0-9]{6,9}\.jsonl|(?P<file>files/[0-9]{6,9})|records/[0-9]{6,9}\.jsonl|usage\.jsonl|lost\.jsonl"
)
"""Names of members, but for the manifest's."""

items: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(_Model):
    """What a member must be."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Head(BaseModel):
    """What of a manifest is read first, whatever its version."""

    format: str
    version: int


class Manifest(_Model):
    """What is in an archive."""

    format: Literal["chatkit-aws/export"] = FORMAT
    version: Literal[1] = VERSION
    tenant: str
    user: str
    exported_at: datetime
    counts: dict[str, int]
    members: dict[str, Member]


class ThreadEntry(_Model):
    """A thread with the assistant's title, and the user's own, which is shown in its place."""

    thread: ThreadMetadata
    user_title: str | None


class FeedbackEntry(_Model):
    """What the user thinks of an item."""

    item_id: str
    kind: Literal["positive", "negative"]
    created_at: datetime


class FileEntry(_Model):
    """A file of an attachment: its name below the attachment's prefix, and the member that holds it."""

    name: str
    member: str
    content_type: str | None
    metadata: dict[str, str]


class AttachmentEntry(_Model):
    """An attachment, since when it is there, and its files."""

    attachment: Attachment
    created_at: datetime
    files: list[FileEntry]


class RecordEntry(_Model):
    """A record: of which name, since when, changed when, kept how many days after that (0: for ever), and its value."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    name: str
    id: str
    created_at: AwareDatetime
    changed_at: AwareDatetime
    keep_days: int = Field(ge=0, le=MAX_KEEP_DAYS)
    value: Any


class UsageEntry(_Model):
    """What a turn used, in tokens, and cost, in millionths of a US dollar: None where that is not known."""

    run_id: str
    began_at: datetime
    model: str | None
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_micros: int | None


class LostEntry(_Model):
    """What could not be read: a thread's metadata, the user's title, an item, feedback, an attachment, or a record."""

    kind: Literal["thread", "user_title", "item", "feedback", "attachment", "record"]
    id: str
    thread_id: str | None = None


def thread_member(number: int, part: str) -> str:
    """The name of a thread's `thread.json`, `items.jsonl` or `feedback.jsonl`."""
    return f"threads/{number:06}/{part}"
