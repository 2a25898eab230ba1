"""A user's running turns: no more than a number at once, each freed by itself when its time is over.

All are in one row: an attribute for each turn, which says when it ends at the latest, and how many there are. To take
a place is one UpdateItem under the condition that there are fewer than the limit. DynamoDB carries such changes out
one after the other, so the number is exact whoever comes at the same time, and nobody has to try again because of
others. A condition on what was read before would have all but one of several begin anew; numbered rows would have to be
tried one by one until a free one is found.

A process that is killed leaves its turn in the row. Whoever is refused is told the row, and takes the place of the
turns whose time is over in one change, which requires that they still are as they were; only this may have to be tried
again. Every change is about a turn by name, so one that is repeated after a lost answer changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.store.retention import DAY
from chatkit_aws.store.retries import Contended
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.usage.errors import QuotaReached
from chatkit_aws.usage.figures import number
from chatkit_aws.usage.limits import MAX_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from chatkit_aws.store.keys import Key
    from chatkit_aws.store.table import Table
    from chatkit_aws.usage.figures import Attributes

RUN = "run "
"""Before a turn's id in the name of its attribute, so that it is none of the row's other ones."""
_RUNNING = "running"
_ATTEMPTS = 2 * MAX_RUNS
"""Each that fails has been overtaken by another turn that began or ended in this row."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The row of one user; times are in seconds since the epoch and less than a day ahead."""

    table: Table
    key: Key
    limit: int

    async def take(self, run_id: str, until: int) -> list[int]:
        """Take a place until then; when each turn ends that runs. Taking it again moves it. Raises QuotaReached."""
        ended: Mapping[str, int] = {}
        for _ in range(_ATTEMPTS):
            try:
                return self._live(_runs(await self._take(RUN + run_id, until, ended)))
            except ConditionFailed as failed:
                runs = _runs(failed.met)
            if RUN + run_id in runs and await self._move(run_id, until):
                return self._live({**runs, RUN + run_id: until})
            live = self._live(runs)
            if len(live) >= self.limit:
                raise QuotaReached("runs", min(live))
            ended = {name: end for name, end in runs.items() if end <= self.table.writes.now}
        message = "other turns of the user's began and ended at the same time"
        raise Contended(message)

    async def move(self, run_id: str, until: int) -> bool:
        """Move the end of a turn; one whose place is lost takes another, or False where all are taken."""
        if await self._move(run_id, until):
            return True
        try:
            await self.take(run_id, until)
        except QuotaReached:
            return False
        return True

    async def free(self, run_id: str) -> None:
        """Give the place back; one that is lost is no error."""
        change, names = f"REMOVE #run ADD {_RUNNING} :less", {"#run": RUN + run_id}
        part = self.table.writes.update(self.key, change, "attribute_exists(#run)", {":less": _number(-1)}, names)
        try:
            await self.table.write(part)
        except ConditionFailed:
            return

    def _live(self, runs: Mapping[str, int]) -> list[int]:
        """When those end whose time is not over."""
        return [end for end in runs.values() if end > self.table.writes.now]

    async def _move(self, run_id: str, until: int) -> bool:
        """Move the end of a turn that has a place; whether it has."""
        values = {":until": _number(until), ":expires_at": _number(until + DAY)}
        change, names = "SET #run = :until, expires_at = :expires_at", {"#run": RUN + run_id}
        part = self.table.writes.update(self.key, change, "attribute_exists(#run)", values, names)
        try:
            await self.table.write(part)
        except ConditionFailed:
            return False
        return True

    async def _take(self, name: str, until: int, ended: Mapping[str, int]) -> Attributes:
        """Take a place, and those of turns that have ended away. Raises ConditionFailed."""
        names = {"#run": name, **{f"#e{place}": found for place, found in enumerate(ended)}}
        numbers = {":until": until, ":more": 1 - len(ended), ":most": self.limit + len(ended)}
        numbers |= {f":e{place}": end for place, end in enumerate(ended.values())}
        conditions = [
            "attribute_not_exists(#run)",
            f"(attribute_not_exists({_RUNNING}) OR {_RUNNING} < :most)",
            *(f"#e{place} = :e{place}" for place in range(len(ended))),
        ]
        removed = f"REMOVE {', '.join(f'#e{place}' for place in range(len(ended)))} " if ended else ""
        change = f"SET #run = :until, expires_at = :expires_at {removed}ADD {_RUNNING} :more"
        numbers[":expires_at"] = until + DAY
        values = {value: _number(amount) for value, amount in numbers.items()}
        return await self.table.update(
            self.table.writes.update(self.key, change, " AND ".join(conditions), values, names)
        )


def _runs(row: Attributes | None) -> dict[str, int]:
    """The turns in a row, by attribute, and when each ends."""
    return {name: number(row, name) for name in row if name.startswith(RUN)} if row else {}


def _number(value: int) -> AttributeValueTypeDef:
    return {"N": str(value)}
