"""Arguments as a user sees them who is to allow a call: nothing in them hides another, or looks like what it is not."""

import json

import pytest

from chat_api.arguments import MOST_SHOWN, plain, shown

LONG = "x" * (MOST_SHOWN + 400)


def test_each_text_is_cut_by_itself_and_says_how_much_is_not_shown() -> None:
    given = {"text": LONG, "to": "mallory@example.com", "deep": [{"also": LONG, "last": 1}], LONG: True}
    cut = f"{'x' * MOST_SHOWN}… [400 more characters]"
    told = {"text": cut, "to": "mallory@example.com", "deep": [{"also": cut, "last": 1}], cut: True}
    assert json.loads(shown(json.dumps(given), "en")) == told


def test_names_that_look_the_same_when_they_are_cut_are_all_shown() -> None:
    told = shown(json.dumps({f"{LONG}a": 1, f"{LONG}b": 2}), "en")
    assert [value for _, value in json.loads(told)] == [1, 2]


def test_it_is_said_in_the_user_s_language() -> None:
    assert "[400 weitere Zeichen]" in shown(json.dumps({"text": LONG}), "de")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u202egpj.exe", "a\ufffdgpj.exe"),
        ("bob\u200b@example.com", "bob\ufffd@example.com"),
        ("\u2066a\u2069", "\ufffda\ufffd"),
        ("a\x00\x1b[2Jb", "a\ufffd\ufffd[2Jb"),
        ("one\ntwo\u2028three", "one two\ufffdthree"),
        ("tag\U000e0061", "tag\ufffd"),
        ("half\ud800", "half\ufffd"),
        ("\u0645\u06cc\u200c\u062e", "\u2068\u0645\u06cc\u200c\u062e\u2069"),
        ("\u05e9\u05dc", "\u2068\u05e9\u05dc\u2069"),
        ("👩\u200d👩", "👩\u200d👩"),
        ("❤\ufe0f 1\ufe0f\u20e3", "❤\ufe0f 1\ufe0f\u20e3"),
        ("a\ufe0fb\U000e0100", "a\ufffdb\ufffd"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f\ufffd"),
        ("\u3164\u115f\u2800\u034f\u180b\u17b4\uffa0", "\ufffd" * 7),
    ],
)
def test_nothing_turns_what_stands_around_it_or_cannot_be_seen(text: str, seen: str) -> None:
    assert plain(text, "en") == seen
    assert json.loads(shown(json.dumps({"to": text}), "en")) == {"to": seen}


@pytest.mark.parametrize("text", ["not JSON", "[" * 100_000, '{"a":', "9" * 5_000])
def test_arguments_that_are_no_json_are_a_text(text: str) -> None:
    assert json.loads(shown(text, "en")).startswith(text[:3])


def test_no_arguments_are_none() -> None:
    assert shown("", "en") == "{}"
