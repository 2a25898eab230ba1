"""What an operator can do for a user's rights. Nothing is done that is not on record first."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.rights import erasure, export, hold_state, holds, importing, lifting
from chatkit_aws.rights.audit import AuditLog, Use

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chatkit_aws.rights.audit import Ending
    from chatkit_aws.rights.erasure import Erased
    from chatkit_aws.rights.export import Exported
    from chatkit_aws.rights.hold_state import HoldState
    from chatkit_aws.rights.importing import Imported
    from chatkit_aws.rights.records import Action, Record
    from chatkit_aws.rights.storage import Account, Storage


@dataclass(frozen=True, slots=True)
class DataRights:
    """Export, import, erasure and hold, done by `actor`.

    Each method takes the reason for what it does, which is on record. Beside what a method names, all raise
    StoreUnavailable and StoreRefused, after which the same may be done again, and InvalidId.
    """

    storage: Storage
    actor: str

    async def export(self, account: Account, path: Path, reason: str) -> Exported:
        """All of a user's data as one new file. Raises ArchiveExists, UnknownFormat, OSError."""
        async with self._recorded("export", account, reason) as ending:
            exported = await export.export(self.storage, account, path)
            ending.outcome = "done" if exported.is_complete else "incomplete"
            ending.detail, ending.counts = exported.digest, exported.counts
            return exported

    async def import_archive(
        self, account: Account, path: Path, reason: str, *, skip_existing: bool = False, any_size: bool = False
    ) -> Imported:
        """Write what an archive holds for a user. Raises InvalidArchive, AlreadyThere, BucketNeeded, OSError."""
        async with self._recorded("import", account, reason) as ending:
            imported = await importing.import_archive(
                self.storage, account, path, skip_existing=skip_existing, any_size=any_size
            )
            ending.detail, ending.counts = imported.digest, imported.counts
            return imported

    async def erase(self, account: Account, reason: str, *, settle: float = 0, scan: bool = False) -> Erased:
        """Remove all that there is of a user (`erasure.erase`). Raises Held, ErasureRunning."""
        async with self._recorded("erase", account, reason) as ending:
            erased = await erasure.erase(self.storage, account, settle=settle, scan=scan)
            ending.outcome = "done" if erased.is_complete else "incomplete"
            ending.counts = {"rows": sum(erased.rows.values()), "objects": sum(erased.objects.values())}
            ending.counts["left"] = sum(erased.left.values())
            return erased

    async def place_hold(self, account: Account, reason: str) -> dict[str, int]:
        """Put a user under legal hold (`holds.place`). Raises ErasureRunning."""
        async with self._recorded("hold place", account, reason) as ending:
            ending.counts = await holds.place(self.storage, account, reason, self.actor)
            return ending.counts

    async def lift_hold(self, account: Account, reason: str) -> dict[str, int]:
        """End a user's legal hold (`lifting.lift`). Raises HoldPlaced."""
        async with self._recorded("hold lift", account, reason) as ending:
            ending.counts = await lifting.lift(self.storage, account)
            return ending.counts

    async def hold(self, account: Account, reason: str = "") -> HoldState:
        """Whether a user is under legal hold (`hold_state.state`)."""
        async with self._recorded("hold show", account, reason):
            return await hold_state.state(self.storage, account)

    async def audit(self, tenant: str, since: str = "", reason: str = "") -> AsyncIterator[list[Record]]:
        """A tenant's records in order of time (`audit.AuditLog.records`), that of this look last."""
        log, count = AuditLog(self.storage), 0
        async with log.recorded(Use("audit", tenant, "", self.actor, reason)) as ending:
            async for page in log.records(tenant, since):
                count += len(page)
                ending.counts = {"records": count}
                yield page

    @asynccontextmanager
    async def _recorded(self, action: Action, account: Account, reason: str) -> AsyncIterator[Ending]:
        _ = account.owner  # names that cannot be part of a key have no data either
        use = Use(action, **dataclasses.asdict(account), actor=self.actor, reason=reason)
        async with AuditLog(self.storage).recorded(use) as ending:
            yield ending
