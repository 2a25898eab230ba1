"""A user's records of every name, as members of an archive."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from pydantic_core import from_json

from chatkit_aws.records.ids import added_at
from chatkit_aws.records.keys import RECORD, RecordKeys, name_of
from chatkit_aws.records.record import moment_of
from chatkit_aws.records.stored import StoredRecords
from chatkit_aws.rights.archive import LostEntry, RecordEntry
from chatkit_aws.rights.pages import pages
from chatkit_aws.store import keys
from chatkit_aws.store.table import Span

if TYPE_CHECKING:
    from chatkit_aws.rights.losses import Losses
    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.rights.writing import ArchiveWriter
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.store.rows import Row


async def export_records(storage: Storage, owner: Owner, out: ArchiveWriter, losses: Losses) -> dict[str, int]:
    """Write up to a hundred records to a member and count all; no member for none. What cannot be read is lost."""
    numbers, total = count(1), 0
    async for rows in pages(storage, Span(owner.partition, RECORD)):
        found = [await losses.read(_lost(row), _entry(storage, owner, row), None) for row in rows]
        entries = [entry for entry in found if entry is not None]
        if entries:
            await out.entries(f"records/{next(numbers):06}.jsonl", *entries)
        total += len(entries)
    return {"records": total} if total else {}


async def _entry(storage: Storage, owner: Owner, row: Row) -> RecordEntry | None:
    """A record, whatever model its value is of."""
    name, record_id = name_of(row.key), keys.id_of(row.key.sk)
    text = await StoredRecords(storage.table, storage.bodies, RecordKeys(owner, name)).text(row)
    return RecordEntry(
        name=name,
        id=record_id,
        created_at=moment_of(added_at(record_id)),
        changed_at=moment_of(row.changed_at or 0),
        keep_days=row.keep_days or 0,
        value=from_json(text),
    )


def _lost(row: Row) -> LostEntry:
    return LostEntry(kind="record", id=keys.id_of(row.key.sk))
