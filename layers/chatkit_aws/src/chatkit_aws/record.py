"""What is noted of one request while it runs."""

import hashlib
import logging
import time
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field

from chatkit_aws.context import RequestContext

logger = logging.getLogger(__name__)


def pseudonym(context: RequestContext, salt: str = "") -> str:
    """A short name for a user that says nothing of who it is: the same in every line, of 64 bits.

    `salt` sets deployments apart, so that a list of known users' names made for one says nothing in another.
    """
    return hashlib.sha256(f"{salt}\0{context.tenant_id}\0{context.user_id}".encode()).hexdigest()[:16]


@dataclass(slots=True)
class Record:
    """One request's keys for the log and its figures; shared by every task that works for the request."""

    request_id: str
    salt: str = field(default="", repr=False)
    user: str | None = None
    tenant: str | None = None
    operation: str | None = None
    thread: str | None = None
    status: int | None = None
    parts: int = 0
    bytes_sent: int = 0
    has_failed: bool = False
    failure: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    """Metrics of this request alone, by name."""
    _started: float = field(default_factory=time.monotonic)
    _first_byte: float | None = None

    def caller(self, context: RequestContext) -> None:
        """Note who asks."""
        self.user, self.tenant = pseudonym(context, self.salt), context.tenant_id

    def sent(self, size: int) -> None:
        """Note a part of the answer, of `size` bytes."""
        self.parts += 1
        self.bytes_sent += size
        if self._first_byte is None:
            self._first_byte = time.monotonic()

    def fail(self, error: BaseException, kind: str = "defect", **details: object) -> None:
        """Note, and log, that the request failed for a reason that is ours; `kind` says which, `details` are figures.

        None of them may be a text of a user's or a model's.
        """
        self.has_failed = True
        self.failure = kind
        logger.error("request failed", exc_info=error, extra={"failure": kind, **details})

    @property
    def duration_ms(self) -> float:
        """Milliseconds since the request began."""
        return (time.monotonic() - self._started) * 1000

    @property
    def first_byte_ms(self) -> float | None:
        """Milliseconds until the first part of the answer; None while there is none."""
        return None if self._first_byte is None else (self._first_byte - self._started) * 1000

    def keys(self) -> dict[str, str]:
        """What every log line of the request carries."""
        found = {
            "request_id": self.request_id,
            "user": self.user,
            "tenant": self.tenant,
            "operation": self.operation,
            "thread": self.thread,
        }
        return {name: value for name, value in found.items() if value is not None}


current_record: ContextVar[Record | None] = ContextVar("current_record", default=None)
"""The record of the request that the running task works for."""
