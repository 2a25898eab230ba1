"""What models cost, as configuration says."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from chatkit_aws.usage.errors import InvalidPrices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatkit_aws.usage.usage import Usage

_PLACES = 12


def _reasonable(amount: Decimal) -> Decimal:
    """As a fraction, `1e-999999999` and `0e999999999` would fill the memory."""
    exponent = int(amount.as_tuple().exponent)
    if not -_PLACES <= exponent <= _PLACES:
        message = f"an amount may have {_PLACES} digits behind the point"
        raise ValueError(message)
    return amount


_Amount = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False), AfterValidator(_reasonable)]


class Price(BaseModel):
    """US dollars for a million tokens; what was cached costs as other input where nothing is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _Amount
    output: _Amount
    cached: _Amount | None = None

    def cost(self, usage: Usage) -> Fraction:
        """Millionths of a dollar: dollars for a million tokens are millionths of a dollar for one."""
        cached = min(usage.cached, usage.input)
        at_cached = self.input if self.cached is None else self.cached
        parts = ((usage.input - cached, self.input), (cached, at_cached), (usage.output, self.output))
        return sum((tokens * Fraction(price) for tokens, price in parts), Fraction())


_Name = Annotated[str, StringConstraints(pattern=r"^[^*]+\*?$|^\*$")]
_table: TypeAdapter[dict[_Name, Price]] = TypeAdapter(dict[_Name, Price])


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by a model's name, or by how names begin: `gpt-5*`. A whole name goes first, then the longest."""

    prices: Mapping[str, Price]

    @classmethod
    def of(cls, text: str) -> Prices:
        """The prices in a JSON text: `{"gpt-5*": {"input": 1.25, "cached": 0.125, "output": 10}}`.

        Amounts are read as decimals, never as floats, as pydantic would read JSON. Raises InvalidPrices.
        """
        try:
            return cls(_table.validate_python(json.loads(text, parse_float=Decimal, object_pairs_hook=_once)))
        except (json.JSONDecodeError, InvalidOperation) as error:
            message = f"prices: the text is no JSON: {error}"
            raise InvalidPrices(message) from None
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = " ".join(map(str, found["loc"])) or "the text"
            message = f"prices: {place}: {found['msg']}"
            raise InvalidPrices(message) from None

    def cost(self, model: str, usage: Usage) -> int | None:
        """Millionths of a US dollar, rounded up; None for a model that has no price."""
        price = self._price(model)
        return None if price is None else math.ceil(price.cost(usage))

    def _price(self, model: str) -> Price | None:
        if not model.endswith("*") and model in self.prices:
            return self.prices[model]
        fitting = [name for name in self.prices if name.endswith("*") and model.startswith(name[:-1])]
        return self.prices[max(fitting, key=len)] if fitting else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises InvalidPrices for a name that is there twice: one of the two would be ignored."""
    found = dict(pairs)
    if len(found) < len(pairs):
        message = f"prices: a name is there twice among {', '.join(found)}"
        raise InvalidPrices(message)
    return found
