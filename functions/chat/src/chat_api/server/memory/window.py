"""Where the history that the model is given begins."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

KEPT = 0.5
"""What is left of a full history at least, as a share of its limits: that much can be cut at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a thread the model is given: at most so many items, of so many tokens by estimate."""

    items: int = 40
    tokens: int = 32_000


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of an item: its id, its tokens by estimate, and whether it is a user's message."""

    id: str
    tokens: int
    is_question: bool


def first_of(parts: Sequence[Part], limits: Limits, *, is_all: bool) -> int:
    """Which of the parts, oldest first, is the first one that the model is given; at least the last one is.

    All of them where they are the whole thread (`is_all`) and within the limits. Else the beginning is one of those
    with which the history is between half full and full. Which one depends on their ids alone, and user's messages go
    before others, so that the next turn chooses the same one until it is too far back: what a model's provider has
    cached of a history is its beginning, and would be of no use if that moved with every turn.
    """
    if not parts:
        return 0
    earliest = first_within(parts, limits.items, limits.tokens)
    if earliest == 0 and is_all:
        return 0
    latest = first_within(parts, limits.items * KEPT, limits.tokens * KEPT)
    between = range(earliest, latest + 1)
    questions = [index for index in between if parts[index].is_question]
    return max(questions or between, key=lambda index: _rank(parts[index].id))


def first_within(parts: Sequence[Part], items: float, tokens: float) -> int:
    """The earliest beginning with which no limit is exceeded; the last part where it exceeds one alone."""
    first = len(parts) - 1
    left = tokens - parts[first].tokens
    while first > 0 and len(parts) - first + 1 <= items and parts[first - 1].tokens <= left:
        first -= 1
        left -= parts[first].tokens
    return first


def _rank(item_id: str) -> bytes:
    """A number without any order of its own, and the same in every process."""
    return hashlib.sha256(item_id.encode()).digest()
