"""What a model was asked and answered, in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import agents


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more requests to a model: `cached` is a part of `input`, `reasoning` one of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    requests: int = 0

    @classmethod
    def of_run(cls, usage: agents.Usage) -> Usage:
        """What the Agents SDK says of a run: `result.context_wrapper.usage`."""
        return cls(
            input=usage.input_tokens,
            output=usage.output_tokens,
            cached=usage.input_tokens_details.cached_tokens,
            reasoning=usage.output_tokens_details.reasoning_tokens,
            requests=usage.requests,
        )

    @property
    def total(self) -> int:
        """What counts against a budget of tokens."""
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.requests + other.requests,
        )
