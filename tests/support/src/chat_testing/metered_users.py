"""Users whose turns are counted, and a look at what is there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.rights import Clock
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table
from chatkit_aws.usage import Admission, Limits, Meter, QuotaReached, Report

ALICE = Owner.of("tenant-1", "alice")
BOB = Owner.of("tenant-1", "bob")


@dataclass
class Counted:
    """A table in which turns are counted, at a time that a test moves."""

    name: str
    dynamodb: DynamoDBClient
    clock: Clock = field(default_factory=Clock)

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock.now)

    @property
    def report(self) -> Report:
        """What was counted."""
        return Report(Bulk(self.name, self.dynamodb), self.clock)

    def meter(self, limits: Limits, **options: Any) -> Meter:
        """A meter of its own, as another process has one."""
        return Meter(Table(self.name, self.dynamodb, self.clock, Retries(budget=60.0)), limits, **options)

    def rows(self) -> dict[str, dict[str, Any]]:
        """What every row of one user's and their tenant's has but its key and marks, by sort key, numbers as such."""
        rows = self.dynamodb.scan(TableName=self.name, ConsistentRead=True)["Items"]
        return {row["sk"]["S"]: {name: _plain(row[name]) for name in sorted(row) if _is_shown(name)} for row in rows}

    def numbers(self, prefix: str, name: str) -> list[int]:
        """One number of every row whose sort key begins so, whosever it is."""
        rows = self.dynamodb.scan(TableName=self.name, ConsistentRead=True)["Items"]
        return [int(row[name]["N"]) for row in rows if row["sk"]["S"].startswith(prefix) and name in row]


async def admitted(meter: Meter, owners: Sequence[Owner], until: int, prefix: str = "run") -> list[Admission]:
    """Ask for a turn of each owner at once; those that are let through. Any other error than a quota's is raised."""
    asked = [meter.admit(owner, f"{prefix}-{number}", until) for number, owner in enumerate(owners)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, QuotaReached):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Admission)]


def _is_shown(name: str) -> bool:
    return name not in {"pk", "sk"} and not name.startswith("mark_")


def _plain(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    return int(content) if kind == "N" else content
