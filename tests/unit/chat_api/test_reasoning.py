"""Thoughts are told from words however a text is cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.server.models.reasoning import Separation


def separated(pieces: list[str]) -> tuple[str, str]:
    separation = Separation()
    parts = [separation.split(piece) for piece in pieces] + [separation.split("", is_last=True)]
    thoughts, words = zip(*parts, strict=True)
    return "".join(thoughts), "".join(words)


CASES = [
    ("Hello", "", "Hello"),
    ("", "", ""),
    ("  Hello ", "", "  Hello "),
    ("<reasoning>Hm.</reasoning>Hello", "Hm.", "Hello"),
    ("\n<think>\nHm.\n</think>\n\nHello ", "\nHm.\n", "Hello "),
    ("<reasoning>a</reasoning> <reasoning>b</reasoning> c", "ab", "c"),
    ("<reasoning>Hm.</reasoning>", "Hm.", ""),
    ("<reasoning>without an end </reas", "without an end </reas", ""),
    ("<reasoning>a < b </think></reasoning>c", "a < b </think>", "c"),
    ("<reason", "", "<reason"),
    ("<b>bold</b>", "", "<b>bold</b>"),
    ("The tag <reasoning> is a word </reasoning> here", "", "The tag <reasoning> is a word </reasoning> here"),
]


@pytest.mark.parametrize(("text", "thoughts", "words"), CASES)
def test_thoughts_stand_before_all_words(text: str, thoughts: str, words: str) -> None:
    assert separated([text]) == (thoughts, words)
    assert separated(list(text)) == (thoughts, words)


@given(st.sampled_from(CASES), st.lists(st.integers(0, 60), max_size=5))
def test_pieces_make_no_difference(case: tuple[str, str, str], cuts: list[int]) -> None:
    text, thoughts, words = case
    edges = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    if "".join(pieces) == text:
        assert separated(pieces) == (thoughts, words)


def test_words_are_not_held_back() -> None:
    separation = Separation()
    assert separation.split("<reasoning>Hm.") == ("Hm.", "")
    assert separation.split("</reasoning>He") == ("", "He")
    assert separation.split("<") == ("", "<")
