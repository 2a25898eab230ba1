"""What reports call the kinds of rows and objects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, override

from chatkit_aws.records.keys import COUNT, RECORD
from chatkit_aws.store import keys
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.objects import Objects
from chatkit_aws.usage import windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

    from chatkit_aws.store.keys import Key

IMPORT = "IMP#"
"""Rows of the owner's that say what an import under way has found and begun."""

ERASURE = "ERS#"
"""The row of the owner's that is there while an erasure runs (`erasing`)."""

_KINDS = {
    keys.THREAD: "threads",
    keys.ITEM: "items",
    keys.PLACE: "places_of_items",
    keys.FEEDBACK: "feedback",
    keys.ATTACHMENT: "attachments",
    keys.ATTACHED: "attached_marks",
    keys.INTENT: "object_intents",
    keys.DELETED: "deleted_marks",
    keys.HOLD: "hold",
    keys.RUN: "runs",
    keys.EVENT: "run_events",
    keys.STOP: "stop_requests",
    keys.NAME: "run_names",
    keys.REPEAT: "idempotency_records",
    IMPORT: "import_marks",
    ERASURE: "erasure_under_way",
    RECORD: "records",
    COUNT: "record_counts",
    windows.MINUTE: "request_counters",
    windows.SLOTS: "running_turns",
    windows.DAY: "days_of_usage",
    windows.TURN: "turns_of_usage",
}


def kind_of(key: Key) -> str:
    """The kind of a row; `other` are those that a later version writes."""
    return _KINDS.get(key.sk.partition("#")[0] + "#", "other")


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was removed, by kind; what is gone already may be counted again."""

    rows: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)


class CountingBulk(Bulk):
    """Counts the rows that it deletes."""

    def __init__(self, table: str, client: DynamoDBClient, tally: Tally) -> None:
        """Count in `tally`."""
        super().__init__(table, client)
        self._tally = tally

    @override
    async def delete(self, keys: Iterable[Key]) -> int:
        """Delete rows, and count them once all are gone."""
        rows = list(keys)
        count = await super().delete(rows)
        self._tally.rows.update(map(kind_of, rows))
        return count


class CountingObjects(Objects):
    """Counts the objects that it deletes."""

    def __init__(self, bucket: str, client: S3Client, tally: Tally) -> None:
        """Count in `tally`."""
        super().__init__(bucket, client)
        self._tally = tally

    @override
    async def delete(self, *keys: str) -> None:
        """Delete objects, and count them once all are gone."""
        await super().delete(*keys)
        self._tally.objects.update(key.partition("/")[0] for key in keys)
