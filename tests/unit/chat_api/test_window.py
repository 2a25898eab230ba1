"""The history is cut to its limits, and seldom somewhere else than in the turn before."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.server.memory.window import KEPT, Limits, Part, first_of, first_within

PARTS = st.lists(st.builds(Part, st.uuids().map(str), st.integers(0, 400), st.booleans()), min_size=1, max_size=60)
LIMITS = st.builds(Limits, st.integers(1, 50), st.integers(1, 2_000))


def conversation(turns: int, tokens: int = 100) -> list[Part]:
    return [Part(f"msg_{number}", tokens, number % 2 == 0) for number in range(2 * turns)]


def is_within(parts: Sequence[Part], limits: Limits, share: float = 1) -> bool:
    return len(parts) <= limits.items * share and sum(part.tokens for part in parts) <= limits.tokens * share


@given(PARTS, LIMITS, st.booleans())
def test_newest_item_is_kept_and_others_only_within_the_limits(parts: list[Part], limits: Limits, is_all: bool) -> None:
    kept = parts[first_of(parts, limits, is_all=is_all) :]
    assert kept
    assert len(kept) == 1 or is_within(kept, limits)


@given(PARTS, LIMITS, st.booleans())
def test_history_is_cut_by_half_at_most(parts: list[Part], limits: Limits, is_all: bool) -> None:
    first = first_of(parts, limits, is_all=is_all)
    assert first == 0 or not is_within(parts[first - 1 :], limits, KEPT)


@given(PARTS, LIMITS, st.floats(0.1, 1))
def test_beginning_is_the_earliest_within_a_share_of_the_limits(
    parts: list[Part], limits: Limits, share: float
) -> None:
    first = first_within(parts, limits.items * share, limits.tokens * share)
    assert first == len(parts) - 1 or is_within(parts[first:], limits, share)
    assert first == 0 or not is_within(parts[first - 1 :], limits, share)


@given(PARTS, LIMITS)
def test_thread_within_its_limits_is_whole(parts: list[Part], limits: Limits) -> None:
    assert (first_of(parts, limits, is_all=True) == 0) == (is_within(parts, limits) or len(parts) == 1)


def test_thread_without_items_has_a_beginning() -> None:
    assert first_of([], Limits(), is_all=True) == 0


def test_history_begins_with_a_message_of_the_user_where_it_can() -> None:
    parts = conversation(100)
    assert all(parts[first_of(parts[:end], Limits(40, 32_000), is_all=True)].is_question for end in range(41, 200))


@pytest.mark.parametrize("limits", [Limits(40, 32_000), Limits(100, 4_000)], ids=["items", "tokens"])
@pytest.mark.parametrize("read_more", [0, 1], ids=["full", "one more"])
def test_beginning_of_a_long_history_moves_seldom(limits: Limits, read_more: int) -> None:
    parts = conversation(200)
    begins: list[str] = []
    for end in range(101, len(parts), 2):
        # Only the newest ones are read, and the message where it is not among them.
        read = parts[max(0, end - limits.items - read_more) : end]
        begins.append(read[first_of(read, limits, is_all=False)].id)
    moves = sum(before != after for before, after in itertools.pairwise(begins))
    assert len(begins) / moves > 3
