"""A row that several turns count in at the same time.

Each change is one conditional UpdateItem of this row alone: DynamoDB carries them out one after the other, so no two
can take what is left once, and turns that come together do not conflict as transactions would.

botocore sends a request again whose answer is lost, which would count twice. So each change leaves a mark in one of a
few places, and is not made where its own mark is. It is made twice only if another turn has overwritten the mark in
between: what is taken then counts too much until the window ends, what is given back too little by one reservation at
most. A change whose outcome stays unknown is not taken back, which counts too much and never too little.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatkit_aws.store.table import Table
    from chatkit_aws.usage.figures import Attributes
    from chatkit_aws.usage.windows import Window

MARKS = 8
"""Places for marks in a row, about 25 bytes each: a turn's mark is overwritten by one in eight others."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one turn leaves in the rows that it counts in: random, and of two kinds, for taking and for the end."""

    text: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def place(self) -> str:
        """The attribute it is in."""
        return f"mark_{int(self.text, 16) % MARKS}"


@dataclass(frozen=True, slots=True)
class Counter:
    """One window's row; `keep` is how many seconds it stays after the window."""

    table: Table
    window: Window
    keep: int

    async def take(self, name: str, amount: int, most: int, mark: Mark) -> Attributes | None:
        """Add `amount` to the number `name` where it is `most` or less; all that the row has then, None if refused."""
        condition = f"(attribute_not_exists({name}) OR {name} <= :most)"
        return await self._change({name: amount}, f"{mark.text}+", mark.place, condition, {":most": most})

    async def end(self, amounts: Mapping[str, int], mark: Mark, condition: str = ANY) -> Attributes | None:
        """Add amounts, negative ones too, once for a mark; None where the row does not meet the condition."""
        return await self._change(amounts, f"{mark.text}-", mark.place, f"({condition})", {})

    async def _change(
        self, amounts: Mapping[str, int], mark: str, place: str, condition: str, values: Mapping[str, int]
    ) -> Attributes | None:
        added = {name: amount for name, amount in amounts.items() if amount}
        numbers = {**values, **{f":{name}": amount for name, amount in added.items()}}
        change = f"SET {place} = :mark, expires_at = :expires_at"
        if added:
            change += f" ADD {', '.join(f'{name} :{name}' for name in added)}"
        numbers[":expires_at"] = self.window.ends_at + self.keep
        part = self.table.writes.update(
            self.window.key,
            change,
            f"(attribute_not_exists({place}) OR {place} <> :mark) AND {condition}",
            {":mark": {"S": mark}, **{name: {"N": str(value)} for name, value in numbers.items()}},
        )
        try:
            return await self.table.update(part)
        except ConditionFailed as failed:
            is_done = failed.met is not None and failed.met.get(place) == {"S": mark}
            return failed.met if is_done else None
