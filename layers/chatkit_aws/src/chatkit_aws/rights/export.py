"""All of a user's data as one file.

It is what the user could see, with what is hidden from them, too: what has expired is not among it. It is read page by
page while the application runs, so what is written or deleted meanwhile may be in it or not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.rights import writing
from chatkit_aws.rights.exporting_attachments import AttachmentExporter
from chatkit_aws.rights.exporting_records import export_records
from chatkit_aws.rights.exporting_threads import ThreadExporter
from chatkit_aws.rights.exporting_usage import export_usage
from chatkit_aws.rights.losses import Losses

if TYPE_CHECKING:
    from pathlib import Path

    from chatkit_aws.rights.storage import Account, Storage


@dataclass(frozen=True, slots=True)
class Exported:
    """What an archive holds, by kind, and its digest; `lost` is what could not be read, or is no longer there."""

    digest: str
    counts: dict[str, int]
    lost: list[dict[str, str | None]]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is lost."""
        return not self.counts.get("lost")


async def export(storage: Storage, account: Account, path: Path) -> Exported:
    """Write the archive to `path`.

    Raises ArchiveExists, StoreUnavailable, StoreRefused, OSError, and UnknownFormat where nothing at all can be read.
    """
    owner = account.owner
    with writing.created(path, storage.clock()) as out:
        counts, losses = Counter(threads=0, items=0, attachments=0, files=0), Losses()
        await ThreadExporter(storage, owner, out, counts, losses).threads()
        await AttachmentExporter(storage, owner, out, counts, losses).attachments()
        counts.update(await export_records(storage, owner, out, losses))
        counts.update(await export_usage(storage, owner, out))
        await losses.write(out)
        totals = {**counts, **({"lost": len(losses.entries)} if losses.entries else {})}
        return Exported(out.close(account, totals), totals, [entry.model_dump() for entry in losses.entries])
