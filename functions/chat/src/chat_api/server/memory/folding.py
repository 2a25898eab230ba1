"""Which part of a history is to be summed up, and when: soon enough for it to be told of in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agents import TResponseInputItem
from chatkit.types import ThreadItem

from chat_api.server.memory.summary import Summary
from chat_api.server.memory.window import Limits, Part, first_within

FULL = 0.65
"""From which share of its limits on a history is to be summed up: there is time for some attempts."""
LEFT = 0.35
"""What is not summed up then, as a share of them."""
LAST = 0.9
"""From which share of the items on there is no more time: the summary would soon not be among those that are read."""
EVERY = 3
"""A model is asked for a summary at most once in so many turns, however the last time ended."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a thread, oldest first: each item, what it is to the model, and what is known of it.

    `known` is the summary of what came before, if any. `is_all` where nothing came before but what it tells of.
    """

    known: Summary | None
    is_all: bool
    items: Sequence[ThreadItem]
    inputs: Sequence[Sequence[TResponseInputItem]]
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Fold:
    """What is to be summed up: the summary up to there and what followed, as models are given it.

    The new one has its place before the item from `begins_at`, and is `followed_by` so many of the user's messages.
    `asks` where the model is to be asked in this turn. Where it `cannot_wait` the old text takes the new one's place
    until then, and what it does not tell of is forgotten if the model fails.
    """

    known: Summary
    inputs: list[TResponseInputItem]
    begins_at: datetime
    followed_by: int
    asks: bool
    cannot_wait: bool


def fold_of(seen: Seen, limits: Limits) -> Fold | None:
    """What is to be done in this turn; None for nothing. It depends on what was read alone."""
    if (full_at := _full_at(seen.parts, limits)) is None:
        return None
    # What the last attempt left has not grown by so many turns before.
    first = max(full_at, seen.known.followed_by + EVERY) if seen.known else full_at
    turns = _questions(seen.parts) - first
    asks = not seen.is_all or (turns >= 0 and turns % EVERY == 0)
    cannot_wait = not seen.is_all or len(seen.parts) >= limits.items * LAST
    at = _first_kept(seen.parts, limits)
    if at == 0 or not (asks or cannot_wait):
        return None
    inputs = [item for input_ in seen.inputs[:at] for item in input_]
    known = seen.known or Summary()
    return Fold(known, inputs, seen.items[at].created_at, _questions(seen.parts[at:]), asks, cannot_wait)


def _full_at(parts: Sequence[Part], limits: Limits) -> int | None:
    """With which of the user's messages there was enough to be summed up; None where there is not yet."""
    tokens = questions = 0
    for count, part in enumerate(parts, 1):
        tokens += part.tokens
        questions += part.is_question
        if part.is_question and (count > limits.items * FULL or tokens > limits.tokens * FULL):
            return questions
    return None


def _first_kept(parts: Sequence[Part], limits: Limits) -> int:
    """Which part is the first that the summary is not of, a user's message if possible."""
    earliest = first_within(parts, limits.items * LEFT, limits.tokens * LEFT)
    questions = (index for index in range(earliest, len(parts)) if parts[index].is_question)
    return next(questions, earliest)


def _questions(parts: Sequence[Part]) -> int:
    return sum(part.is_question for part in parts)
