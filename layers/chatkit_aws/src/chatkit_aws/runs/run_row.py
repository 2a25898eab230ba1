"""The row of a thread that says which run it has, or had last."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from chatkit_aws.runs.names import KEPT_SECONDS
from chatkit_aws.store.rows import Row

if TYPE_CHECKING:
    from chatkit_aws.runs.claim import Claim
    from chatkit_aws.store.keys import ThreadKeys

LEASE_SECONDS = 30
"""How long a lease lasts that nobody renews: for so long the thread of a killed process takes no message."""
REPEAT_SECONDS = 120
"""For how long after its lease a run that did not end well is repeated by the same request. ChatKit.js repeats one up
to five times, with waits of up to 10 s."""
FIRST = 1
"""The generation of a new thread's first run."""


def new(thread: ThreadKeys, claim: Claim, now: int) -> Row:
    """The row of a run that begins, but for its generation."""
    return Row(
        thread.run,
        run_id=claim.run_id,
        digest=claim.digest,
        nonce=uuid.uuid4().hex,
        lease_until=now + LEASE_SECONDS,
        expires_at=now + KEPT_SECONDS,
    )


def generation_of(row: Row) -> int:
    """The generation of the run that the row tells of."""
    return (row.generation or 0) if row.run_generation is None else row.run_generation


def is_over(row: Row, now: int) -> bool:
    """Whether the run has ended, or its lease has lapsed."""
    return row.ended is not None or (row.lease_until or 0) <= now
