"""What a write costs by DynamoDB's documented rule, from the rows before and after it.

DynamoDB Local 3.3.1 reports the same for a request with one part, but for rows of an index, which it takes for 100
bytes longer. For a transaction it adds up only those parts whose figures differ: three puts of 500 bytes are 2 units,
where the Developer Guide (DynamoDB transactions, Capacity management) has this very example with 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Attributes = Mapping[str, Any]

KILOBYTE = 1_024


@dataclass(frozen=True, slots=True)
class Indexes:
    """The keys of a table and of its indexes, which project all."""

    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Indexes:
        """Those of a table as DescribeTable tells them."""
        indexes = [*description.get("LocalSecondaryIndexes", ()), *description.get("GlobalSecondaryIndexes", ())]
        return cls(_names(description), tuple(map(_names, indexes)))

    def units(self, before: Attributes | None, after: Attributes | None) -> int:
        """What a change of one row costs outside a transaction; a row that is merely looked at counts as written."""
        return _longer(before, after) + sum(self._index_units(names, before, after) for names in self.indexes)

    @staticmethod
    def _index_units(names: Sequence[str], before: Attributes | None, after: Attributes | None) -> int:
        old, new = (row if row and all(name in row for name in names) else None for row in (before, after))
        if old == new:
            return 0
        if old and new and any(old[name] != new[name] for name in names):
            return _longer(old) + _longer(new)
        return _longer(old, new)


def parts_of(operation: str, params: Mapping[str, Any]) -> list[tuple[str, Attributes, int]]:
    """The rows that a request writes or checks: table, key or whole row, and how many times its units count."""
    match operation:
        case "PutItem":
            return [(params["TableName"], params["Item"], 1)]
        case "UpdateItem" | "DeleteItem":
            return [(params["TableName"], params["Key"], 1)]
        case "TransactWriteItems":
            parts = [part for action in params["TransactItems"] for part in action.values()]
            return [(part["TableName"], part.get("Item") or part["Key"], 2) for part in parts]
        case "BatchWriteItem":
            batch = [(table, action) for table, actions in params["RequestItems"].items() for action in actions]
            return [(table, one.get("Item") or one["Key"], 1) for table, action in batch for one in action.values()]
    return []


def size_of(row: Attributes) -> int:
    """Bytes of a row: names and values (Developer Guide, DynamoDB item sizes and formats)."""
    return sum(len(name.encode()) + _size(value) for name, value in row.items())


def _size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            size = len(content.encode())
        case "B":
            size = len(bytes(content))
        case "N":
            digits = str(content).lstrip("-").replace(".", "").strip("0")
            size = (len(digits) + 1) // 2 + 1
        case "L":
            size = 3 + sum(1 + _size(element) for element in content)
        case "M":
            size = 3 + sum(1 + len(name.encode()) + _size(element) for name, element in content.items())
        case "SS" | "NS" | "BS":
            size = sum(_size({kind[0]: element}) for element in content)
        case _:
            size = 1
    return size


def _longer(*rows: Attributes | None) -> int:
    """Units of the longest row, at least one."""
    return max([1, *(-(-size_of(row) // KILOBYTE) for row in rows if row)])


def _names(described: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in described["KeySchema"])
