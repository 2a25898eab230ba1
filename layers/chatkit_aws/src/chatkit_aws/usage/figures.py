"""Usage as attributes of a row. Their names are none of DynamoDB's reserved words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit_aws.usage.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Attributes = Mapping[str, AttributeValueTypeDef]

TAKEN = "tokens_taken"
"""What counts against a budget: used, and reserved by turns that run."""
COST = "cost_micros"
TURNS = "turns"

_NAMES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_tokens",
    "reasoning": "reasoning_tokens",
    "requests": "model_requests",
}
NAMES = (*_NAMES.values(), COST)
"""The attributes of one turn's figures."""


def numbers_of(usage: Usage, cost: int | None) -> dict[str, int]:
    """The figures by attribute; a cost that is not known is left out."""
    numbers = {name: getattr(usage, field) for field, name in _NAMES.items()}
    return numbers if cost is None else {**numbers, COST: cost}


def usage_of(row: Attributes) -> Usage:
    """The usage in a row."""
    return Usage(**{field: number(row, name) for field, name in _NAMES.items()})


def number(row: Attributes, name: str) -> int:
    """A number in a row; 0 where it is not there."""
    return int(row[name]["N"]) if name in row else 0
