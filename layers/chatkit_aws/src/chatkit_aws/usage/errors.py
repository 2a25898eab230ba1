"""The errors of quotas and prices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError

if TYPE_CHECKING:
    from chatkit_aws.usage.kind import Kind


class QuotaReached(ChatKitAwsError):
    """The turn may not begin now; nothing of it is counted. It says nothing of what anybody else did.

    `resets_at` is in seconds since the epoch: when the minute, day or month ends, or, for `runs`, when the first of the
    user's running turns ends at the latest.
    """

    def __init__(self, kind: Kind, resets_at: int) -> None:
        """Refuse until `resets_at`."""
        moment = datetime.fromtimestamp(resets_at, UTC).isoformat().replace("+00:00", "Z")
        super().__init__(f"the quota of {kind} is reached until {moment}")
        self.kind: Kind = kind
        self.resets_at = resets_at


class InvalidLimits(ChatKitAwsError, ValueError):
    """The limits contradict each other, or one is no limit; the message says which."""


class InvalidPrices(ChatKitAwsError, ValueError):
    """The prices in configuration cannot be read; the message says where and why."""
