"""A request that wants a thread's lease, and why it may not get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError

if TYPE_CHECKING:
    from chatkit_aws.store.lease import Lease


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is to start a run.

    `run_id` is the run's name: who sends it again means the same run. `is_named` where the client chose it, and so says
    itself what repeats a run that has broken off: another name for the same request is a new try. `digest` is the same
    for the same request of a user: operation, thread and body.
    """

    run_id: str
    digest: str
    is_named: bool = False

    @property
    def named_digest(self) -> str | None:
        """The digest, where the run is to be known by its name after others came."""
        return self.digest if self.is_named else None


class Busy(ChatKitAwsError):
    """Another run answers in this thread."""


class NameTaken(ChatKitAwsError):
    """The run's name is one of another request in this thread."""


class Repeated(ChatKitAwsError):
    """The request repeats one that began a run already: that of `lease`, which is not the caller's to write with."""

    def __init__(self, lease: Lease) -> None:
        """Name the run to follow."""
        super().__init__("the request repeats another")
        self.lease = lease
