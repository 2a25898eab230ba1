"""What one turn used: a row of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatkit_aws.store.bulk import key_of
from chatkit_aws.store.keys import created_at_of, id_of
from chatkit_aws.store.writes import ANY
from chatkit_aws.usage.figures import COST, NAMES, number, numbers_of, usage_of

if TYPE_CHECKING:
    from chatkit_aws.store.keys import Key
    from chatkit_aws.store.table import Table
    from chatkit_aws.usage.figures import Attributes
    from chatkit_aws.usage.usage import Usage

_MODEL = "model_name"
ATTRIBUTES = ("pk", "sk", _MODEL, *NAMES)
"""All that a row has but its expiry."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn used; `began_at` is UTC, `cost` in millionths of a dollar, None where the model has no price."""

    run_id: str
    began_at: datetime
    model: str | None
    usage: Usage
    cost: int | None


@dataclass(frozen=True, slots=True)
class TurnRow:
    """Where a turn's figures go, and when they expire."""

    table: Table
    key: Key
    expires_at: int

    async def write(self, usage: Usage, cost: int | None, model: str | None) -> None:
        """Write them; again, they are the same. Raises StoreUnavailable, StoreRefused."""
        numbers = {**numbers_of(usage, cost), "expires_at": self.expires_at}
        values: Attributes = {f":{name}": {"N": str(value)} for name, value in numbers.items()}
        if model is not None:
            values = {**values, f":{_MODEL}": {"S": model}}
        change = f"SET {', '.join(f'{value[1:]} = {value}' for value in values)}"
        await self.table.write(self.table.writes.update(self.key, change, ANY, values))


def turn_of(row: Attributes) -> Turn:
    """The turn in a row."""
    sort_key = key_of(row).sk
    return Turn(
        run_id=id_of(sort_key),
        began_at=created_at_of(sort_key).replace(tzinfo=UTC),
        model=row[_MODEL]["S"] if _MODEL in row else None,
        usage=usage_of(row),
        cost=number(row, COST) if COST in row else None,
    )
