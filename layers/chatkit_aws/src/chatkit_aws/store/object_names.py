"""Names of objects in the bucket. They hold no id: names stand in access logs, which outlive the objects."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkit_aws.store.keys import Owner, ThreadKeys

_DIGITS = 32


def items_of_user(owner: Owner) -> str:
    """The prefix of all items of a user's that are too large for a row."""
    return f"items/{_digest(owner.partition)}/"


def items_of_thread(thread: ThreadKeys) -> str:
    """The prefix of a thread's items."""
    return f"{items_of_user(thread.owner)}{_digest(thread.partition)}/"


def attachments_of_user(owner: Owner) -> str:
    """The prefix of all files of a user's."""
    return f"attachments/{_digest(owner.partition)}/"


def attachment(owner: Owner, attachment_id: str) -> str:
    """The prefix of an attachment's files."""
    return f"{attachments_of_user(owner)}{_digest(attachment_id)}/"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGITS]
