"""A text becomes one line in which nothing is hidden, and stays what it is where nothing was."""

import pytest

from chatkit_aws.plain_text import one_line


@pytest.mark.parametrize(
    "text",
    [
        "Call Bob",
        "Straße  42",
        "Ça va\u00a0?",
        "می\u200cروم",
        "👩\u200d🚒 ❤️",
        "שלום",
        "e\u0301",
        "1\ufe0f\u20e3 ‼\ufe0f",
        "⠃\u2800⠕",
        "🫩",
        "\u3000".join("買い"),
    ],
)
def test_text_that_hides_nothing_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\0b\x7f\x9f", "ab"),
        ("two\r\nlines\u2028and\u2029more", "two lines and more"),
        ("\n a\tb \n", "a b"),
        ("a\u202eb\u2066c\u200fd\ufeffe\u00adf", "abcdef"),
        ("\ud800a", "a"),
        ("a\ufe0fb\U000e0100\u3164\u034f\u115f", "ab"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
    ],
)
def test_what_is_hidden_is_left_out_and_breaks_are_spaces(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "\u200b",
        "\u200d \u200c",
        "\u2060\u202e\u00a0",
        "\0",
        "\u3164\u115f",
        "\u2800 \ufe0f",
        "\u2800\ufe0f",
        "\uffa0\u200d",
    ],
)
def test_text_of_which_nothing_can_be_seen_is_empty(text: str) -> None:
    assert one_line(text) == ""
