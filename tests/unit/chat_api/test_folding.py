"""When a history is summed up, and which part of it: by what was read of the thread alone."""

from collections.abc import Sequence

import pytest

from chat_api.server.memory.folding import Fold, Seen, fold_of
from chat_api.server.memory.summary import Summary
from chat_api.server.memory.window import Limits, Part
from chat_testing.builders import after, user_message

LIMITS = Limits(items=20, tokens=100_000)
"""13 items are 65 % of them, 18 are 90 %, and 7 are left."""


def seen(
    count: int,
    tokens: int = 10,
    known: Summary | None = None,
    is_all: bool = True,
    questions: Sequence[int] | None = None,
) -> Seen:
    """So many items, of which every other one is a question, the first included, or those of `questions`."""
    asked = range(0, count, 2) if questions is None else questions
    parts = [Part(f"msg_{index}", tokens, index in asked) for index in range(count)]
    items = [user_message(id=part.id, created_at=after(index)) for index, part in enumerate(parts)]
    return Seen(known, is_all, items, [[{"role": "user", "content": part.id}] for part in parts], parts)


def told(fold: Fold) -> list[object]:
    return [item.get("content") for item in fold.inputs]


@pytest.mark.parametrize(
    ("count", "asks", "cannot_wait"),
    [
        (15, True, False), (19, False, True), (21, True, True), (23, False, True), (25, False, True), (27, True, True),
    ],
)  # fmt: skip
def test_model_is_asked_every_third_turn_and_what_comes_to_its_end_does_not_wait(
    count: int, asks: bool, cannot_wait: bool
) -> None:
    fold = fold_of(seen(count), LIMITS)
    assert fold is not None
    assert (fold.asks, fold.cannot_wait) == (asks, cannot_wait)


@pytest.mark.parametrize("count", [1, 11, 13, 14, 17])
def test_nothing_is_done_before_it_is_time_and_between_attempts(count: int) -> None:
    assert fold_of(seen(count), LIMITS) is None


def test_items_count_from_where_they_are_at_their_end() -> None:
    limits = Limits(items=20, tokens=1_000_000)
    at_18 = fold_of(seen(18, questions=[*range(0, 16, 2), 17]), limits)
    assert at_18 is not None
    assert (at_18.asks, at_18.cannot_wait) == (False, True)


def test_oldest_part_is_summed_up_as_far_as_a_question() -> None:
    fold = fold_of(seen(15), LIMITS)
    assert fold == Fold(Summary(), fold.inputs if fold else [], after(8), 4, asks=True, cannot_wait=False)
    assert told(fold) == [f"msg_{index}" for index in range(8)]


def test_part_that_is_left_begins_with_a_question_where_there_is_one() -> None:
    fold = fold_of(seen(15, questions=[0, 2, 4, 11, 14]), LIMITS)
    assert fold is not None
    assert (fold.begins_at, fold.followed_by) == (after(11), 2)


def test_part_that_is_left_has_no_question_where_there_is_none() -> None:
    fold = fold_of(seen(20, questions=[0, 2, 4, 6, 8, 10, 12]), Limits(items=15, tokens=100_000))
    assert fold is not None
    assert (fold.begins_at, fold.followed_by) == (after(15), 0)


@pytest.mark.parametrize(("tokens", "is_full"), [(65, False), (66, True)])
def test_tokens_are_full_from_65_percent_on(tokens: int, is_full: bool) -> None:
    ten = seen(10, tokens, questions=[0, 9])
    assert (fold_of(ten, Limits(items=1_000, tokens=1_000)) is not None) == is_full


def test_of_tokens_35_percent_are_left() -> None:
    fold = fold_of(seen(15, 100), Limits(items=1_000, tokens=2_000))
    assert fold is not None
    assert fold.begins_at == after(8)


def test_one_message_that_fills_the_history_is_not_summed_up() -> None:
    assert fold_of(seen(1, 900), Limits(items=20, tokens=1_000)) is None


def test_after_a_summary_no_other_is_asked_for_before_three_turns_have_passed() -> None:
    known = Summary("They spoke of Rome.", 7)
    asked_at = [
        count for count in range(15, 30, 2) if (fold := fold_of(seen(count, known=known), LIMITS)) and fold.asks
    ]
    assert asked_at == [19, 25]
    fold = fold_of(seen(19, known=known), LIMITS)
    assert fold is not None
    assert fold.known == known


def test_after_a_summary_that_left_all_that_it_could_three_turns_have_to_pass() -> None:
    assert fold_of(seen(15, known=Summary("Rome", 8)), LIMITS) is None


def test_summary_that_leaves_much_is_followed_by_one_as_soon_as_it_is_full() -> None:
    fold = fold_of(seen(15, known=Summary("Rome", 3)), LIMITS)
    assert fold is not None
    assert fold.asks


def test_thread_that_was_long_before_there_were_summaries_is_summed_up_at_once() -> None:
    fold = fold_of(seen(17, is_all=False), LIMITS)
    assert fold is not None
    assert (fold.asks, fold.cannot_wait) == (True, True)
