"""How long rows are kept: when a thread expires, and when the rows below it go at the latest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAY = 24 * 60 * 60
LONGEST_DAYS = 3_650
"""However long its thread lives, an item goes ten years after it was last written: a thread may live for ever, and the
safety expiry must lie somewhere. It is the same under every policy, since both parameters may be changed meanwhile."""
MARGIN_DAYS = 30
"""How much later than its thread an item expires by itself: time for cleanup, and for mending what hinders it."""
UNATTACHED = DAY
"""How long an attachment stays that no message refers to."""
DELETED = 30 * DAY
"""How long a deleted thread cannot be saved again: longer than any stream runs that still holds the thread, and longer
than cleanup may take in the worst case, since whoever gives an id twice would see what is left below it."""
INTENT = DAY
"""How long the write may take that an object was put for."""

type Policy = Literal["last_activity", "created"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Keep a thread for `days` after its last item was written, or after it was created; 0 keeps it for ever."""

    days: int = 0
    policy: Policy = "last_activity"

    @property
    def rolls(self) -> bool:
        """Whether writing an item moves the thread's expiry."""
        return self.days > 0 and self.policy == "last_activity"

    def of_thread(self, now: float, created_at: float) -> int | None:
        """When a thread that is written now expires, in seconds since the epoch.

        Always at the end of a day in UTC: moving it costs a write of the index, which is then paid once a day only.
        Never long ago: DynamoDB leaves a row whose expiry is five years past (Developer Guide, "Using TTL").
        """
        if not self.days:
            return None
        start = now if self.rolls else created_at
        return max(-int(-(start + self.days * DAY) // DAY), int(now // DAY)) * DAY

    def of_item(self, now: float) -> int | None:
        """When an item that is written now expires by itself, in seconds since the epoch: long after its thread."""
        if not self.days:
            return None
        return int(now) + (max(self.days, LONGEST_DAYS) + MARGIN_DAYS) * DAY
