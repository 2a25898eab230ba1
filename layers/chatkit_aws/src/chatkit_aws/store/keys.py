"""The table's keys. Each begins with the caller's tenant and user, so that a foreign id names a row that is not there.

Parts are escaped: `#` separates and no part can hold it, so no two different lists of parts give the same key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from chatkit_aws.errors import InvalidId

THREAD = "THR#"
ITEM = "ITM#"
ATTACHMENT = "ATT#"
DELETED = "DEL#"

MAX_PART_BYTES = 512
"""The most that an escaped part may have: three of them stay below the 2,048 bytes of a partition key, and one with
a time below the 1,024 of a sort key (DynamoDB Developer Guide, Constraints)."""

_TIME_CHARACTERS = len("2026-11-21T00:00:00.000000")


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key of one row."""

    pk: str
    sk: str


def user_partition(tenant_id: str, user_id: str) -> str:
    """The partition of a user's threads and attachments. Raises InvalidId."""
    return f"TEN#{escape(tenant_id)}#USR#{escape(user_id)}#"


def thread_partition(user: str, thread_id: str) -> str:
    """The partition of a thread's items; `user` is the partition of its owner. Raises InvalidId."""
    return f"{user}{THREAD}{escape(thread_id)}#"


def thread_key(user: str, thread_id: str) -> Key:
    """The row of a thread in its owner's partition. Raises InvalidId."""
    return Key(user, THREAD + escape(thread_id))


def deleted_thread_key(user: str, thread_id: str) -> Key:
    """The row that says for a while that a thread was deleted. Raises InvalidId."""
    return Key(user, DELETED + escape(thread_id))


def item_key(user: str, thread_id: str, item_id: str) -> Key:
    """The row of an item in its thread's partition. Raises InvalidId."""
    return Key(thread_partition(user, thread_id), ITEM + escape(item_id))


def attachment_key(user: str, attachment_id: str) -> Key:
    """The row of an attachment in its owner's partition. Raises InvalidId."""
    return Key(user, ATTACHMENT + escape(attachment_id))


def by_time(kind: str, created_at: datetime, element_id: str) -> str:
    """The sort key of the index: by time to the microsecond, then by id. Raises InvalidId.

    `created_at` is UTC where it is naive. Every time has the same width, so that text sorts as time does.
    """
    return f"{kind}{naive_utc(created_at).isoformat(timespec='microseconds')}#{escape(element_id)}"


def created_at_of(position: str) -> datetime:
    """The naive UTC time in a sort key that `by_time` made."""
    start = position.index("#") + 1
    return datetime.fromisoformat(position[start : start + _TIME_CHARACTERS])


def naive_utc(moment: datetime) -> datetime:
    """The same moment without a zone, as ChatKit computes with it."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def escape(part: str) -> str:
    """`part` without the separator. Raises InvalidId if it cannot be part of a key."""
    escaped = part.replace("%", "%25").replace("#", "%23")
    try:
        size = len(escaped.encode())
    except UnicodeEncodeError:
        message = "an id is not Unicode text"
        raise InvalidId(message) from None
    if not 0 < size <= MAX_PART_BYTES:
        message = f"an id has {size:,} bytes in a key and may have 1 to {MAX_PART_BYTES}"
        raise InvalidId(message)
    return escaped
