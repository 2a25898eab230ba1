"""The wish that a run stop: a row of the user's that the run looks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.store.rows import Row

if TYPE_CHECKING:
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.store.table import Table

KEPT_SECONDS = 60 * 60
"""How long the wish is there: longer than any run."""


@dataclass(frozen=True, slots=True)
class Stops:
    """Asks runs to stop. Another user's run has another key. All raise StoreUnavailable, StoreRefused, InvalidId."""

    table: Table

    async def ask(self, owner: Owner, run_id: str) -> None:
        """Have a run stop, whether it is going on, is over, or has not begun; as often as one likes."""
        writes = self.table.writes
        await self.table.write(writes.put(Row(owner.stop(run_id), expires_at=writes.now + KEPT_SECONDS)))

    async def is_asked(self, owner: Owner, run_id: str) -> bool:
        """Whether the run is to stop, as it was known a moment ago: half the price, and asked again soon."""
        return await self.table.get(owner.stop(run_id), consistent=False) is not None
