"""The table's keys. Each begins with the caller's tenant and user, so that a foreign id names a row that is not there.

Parts are escaped: `#` separates and no part can hold it, so no two different lists of parts give the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from chatkit_aws.errors import InvalidId

THREAD = "THR#"
DELETED = "DEL#"
ATTACHMENT = "ATT#"
INTENT = "OBJ#"
HOLD = "HLD#"
ITEM = "ITM#"
PLACE = "PLC#"
ATTACHED = "ATD#"
FEEDBACK = "FBK#"
RUN = "RUN#"
EVENT = "EVT#"
REPEAT = "RPT#"
NAME = "NAM#"
STOP = "STP#"

MAX_PART_BYTES = 512
"""The most that an escaped part may have: three of them stay below the 2,048 bytes of a partition key, and one with
a time below the 1,024 of a sort key (DynamoDB Developer Guide, Constraints)."""

_TIME_CHARACTERS = len("2026-11-21T00:00:00.000000")


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key of one row."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of a tenant, and the rows that are directly theirs: threads, attachments and marks."""

    tenant_id: str
    partition: str

    @classmethod
    def of(cls, tenant_id: str, user_id: str) -> Owner:
        """The owner with these names. Raises InvalidId."""
        return cls(tenant_id, f"TEN#{escape(tenant_id)}#USR#{escape(user_id)}#")

    def thread(self, thread_id: str) -> ThreadKeys:
        """The keys of a thread. Raises InvalidId."""
        return ThreadKeys(self, thread_id, escape(thread_id))

    def attachment(self, attachment_id: str) -> Key:
        """The row of an attachment. Raises InvalidId."""
        return Key(self.partition, ATTACHMENT + escape(attachment_id))

    def intent(self, object_name: str) -> Key:
        """The row that says for a while that an object is about to be referred to."""
        return Key(self.partition, INTENT + object_name)

    def repeat(self, digest: str) -> Key:
        """The row that says for a while which run a request to create a thread has begun."""
        return Key(self.partition, REPEAT + digest)

    def name(self, run_id: str) -> Key:
        """The row that says for a while what became of the run that the client named so. Raises InvalidId."""
        return Key(self.partition, NAME + escape(run_id))

    def stop(self, run_id: str) -> Key:
        """The row that is there once a run is to stop. Raises InvalidId."""
        return Key(self.partition, STOP + escape(run_id))

    @property
    def hold(self) -> Key:
        """The row that is there while the user is under legal hold."""
        return Key(self.partition, HOLD)


@dataclass(frozen=True, slots=True)
class ThreadKeys:
    """A thread's own row, which is its owner's, and the partition of what is in it."""

    owner: Owner
    thread_id: str
    escaped: str

    @property
    def row(self) -> Key:
        """The thread."""
        return Key(self.owner.partition, THREAD + self.escaped)

    @property
    def deleted(self) -> Key:
        """Says for a while that the thread was deleted."""
        return Key(self.owner.partition, DELETED + self.escaped)

    @property
    def run(self) -> Key:
        """The thread's run, or its last one: whoever holds the lease may write."""
        return Key(self.partition, RUN)

    def events(self, generation: int) -> str:
        """How the sort keys of the events begin that the run with this generation of the lease says."""
        return f"{EVENT}{generation:09}#"

    def batch(self, generation: int, number: int) -> Key:
        """A batch of a run's events, the first of which is number 0."""
        return Key(self.partition, f"{self.events(generation)}{number:06}")

    @property
    def partition(self) -> str:
        """Where its items are."""
        return f"{self.owner.partition}{THREAD}{self.escaped}#"

    def item(self, created_at: datetime, item_id: str) -> Key:
        """An item: in the order of time, then of ids. Raises InvalidId."""
        return Key(self.partition, by_time(ITEM, created_at, item_id))

    def place(self, item_id: str) -> Key:
        """Says where the item of an id is, and so that there is one only. Raises InvalidId."""
        return Key(self.partition, PLACE + escape(item_id))

    def attached(self, attachment_id: str) -> Key:
        """Says that an attachment goes with this thread. Raises InvalidId."""
        return Key(self.partition, ATTACHED + escape(attachment_id))

    def feedback(self, item_id: str) -> Key:
        """What the user thinks of an item. Raises InvalidId."""
        return Key(self.partition, FEEDBACK + escape(item_id))


def by_time(kind: str, created_at: datetime, element_id: str) -> str:
    """A sort key: by time to the microsecond, then by id. Raises InvalidId.

    `created_at` is UTC where it is naive. Every time has the same width, so that text sorts as time does.
    """
    return f"{kind}{naive_utc(created_at).isoformat(timespec='microseconds')}#{escape(element_id)}"


def created_at_of(position: str) -> datetime:
    """The naive UTC time in a sort key that `by_time` made."""
    start = position.index("#") + 1
    return datetime.fromisoformat(position[start : start + _TIME_CHARACTERS])


def id_of(sort_key: str) -> str:
    """The id at the end of a sort key."""
    return unescape(sort_key.rpartition("#")[2])


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


def unescape(part: str) -> str:
    """What `escape` made `part` of."""
    return part.replace("%23", "#").replace("%25", "%")
