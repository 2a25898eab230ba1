"""The names that clients gave to runs which are over: who sends one again means the same run, whatever came since.

The thread's own row knows the run that answers, or the last one that did. The row of a name is written when its run
ends, or when the next one takes the thread of a process that was killed: before the thread's row knows it no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from chatkit_aws.runs.claim import NameTaken
from chatkit_aws.store import keys
from chatkit_aws.store.lease import Lease
from chatkit_aws.store.rows import Row

if TYPE_CHECKING:
    from chatkit_aws.runs.claim import Claim
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.table import Table

KEPT_SECONDS = 24 * 60 * 60
"""How long a run is known: by its thread after it began, by its name after it ended."""

type End = Literal["clean", "broken", "void"]
"""`clean` where the run said its last word, and the same request again is a new one. `void` where it said nothing at
all: then the same name is free again, too."""


@dataclass(frozen=True, slots=True)
class Names:
    """Knows runs by their names. All raise StoreUnavailable, StoreRefused."""

    table: Table

    async def keep(self, lease: Lease, digest: str, how: End) -> None:
        """Know for a day what became of a run."""
        writes, thread = self.table.writes, lease.thread
        row = Row(
            thread.owner.name(lease.run_id),
            thread=thread.escaped,
            digest=digest,
            generation=lease.generation,
            ended=how,
            expires_at=writes.now + KEPT_SECONDS,
        )
        await self.table.write(writes.put(row))

    async def known(self, thread: ThreadKeys, claim: Claim) -> Lease | None:
        """The run that is over and that the request repeats by its name; not for the caller to write with.

        Raises NameTaken where it was another request in this thread. Another thread may have a run of the same name.
        """
        row = await self.table.get(thread.owner.name(claim.run_id)) if claim.is_named else None
        if row is None or row.thread is None or row.generation is None:
            return None
        if row.digest == claim.digest:
            return Lease(thread.owner.thread(keys.unescape(row.thread)), claim.run_id, row.generation)
        if row.thread == thread.escaped:
            raise NameTaken
        return None

    async def end_of(self, lease: Lease) -> End | None:
        """How a run ended that its thread's row knows no more."""
        row = await self.table.get(lease.thread.owner.name(lease.run_id))
        if row is None or (row.thread, row.generation) != (lease.thread.escaped, lease.generation):
            return None
        return cast("End", row.ended)
