"""Where titles stand in a text, however it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.server.events.mentions import Mention, Mentions


def found(text: str, *titles: str) -> list[tuple[str, int]]:
    """The titles that a text mentions, and where."""
    mentions = Mentions({str(number): title for number, title in enumerate(titles)})
    return [(titles[int(one.id)], one.end) for one in [*mentions.more(text), *mentions.end()]]


@pytest.mark.parametrize(
    ("text", "titles", "mentions"),
    [
        ("Call Bob first", ["Call Bob"], [("Call Bob", 8)]),
        ("First call bob.", ["Call Bob"], [("Call Bob", 14)]),
        ("**Call Bob**", ["Call Bob"], [("Call Bob", 10)]),
        ("Call Bob, call Bob", ["Call Bob"], [("Call Bob", 8)]),
        ("Recall Bobby, call Bob", ["Call Bob"], [("Call Bob", 22)]),
        ("Call Bob2 and Call Bob", ["Call Bob"], [("Call Bob", 22)]),
        ("Call Bob again", ["Call Bob", "Call Bob again"], [("Call Bob again", 14)]),
        ("Call Bob again and call Bob", ["Call Bob", "Call Bob again"], [("Call Bob again", 14), ("Call Bob", 27)]),
        ("Call Bob", ["Bob", "Call"], [("Call", 4), ("Bob", 8)]),
        ("Call Bob", ["Bob", "Call Bob"], [("Call Bob", 8)]),
        ("Call Bob", ["Call Bob", "call bob"], []),
        ("Call Bob", ["", "Buy milk"], []),
        ("", ["Call Bob"], []),
        ("牛乳を買うのを忘れずに", ["牛乳を買う"], [("牛乳を買う", 5)]),
        ("لا تنس: واتصل ببوب", ["اتصل ببوب"], [("اتصل ببوب", 18)]),
        ("🐝 Call Bob", ["Call Bob"], [("Call Bob", 10)]),
        ("İİ Call Bob", ["Call Bob"], [("Call Bob", 11)]),
        ("Straße fegen", ["straße fegen"], [("straße fegen", 12)]),
        ("(a.b*) or axb", ["a.b*"], [("a.b*", 5)]),
    ],
)
def test_title_is_mentioned_where_it_stands_as_a_whole(
    text: str, titles: list[str], mentions: list[tuple[str, int]]
) -> None:
    assert found(text, *titles) == mentions


def test_mention_is_told_as_soon_as_no_longer_title_can_stand_there() -> None:
    mentions = Mentions({"1": "Call Bob", "2": "Call Bob again"})
    assert mentions.more("Call Bob") == []
    assert mentions.more(" at six") == [Mention("1", 8)]
    assert mentions.end() == []


TITLES = st.lists(st.text("aB c", min_size=1, max_size=5).map(str.strip), max_size=5)


@given(TITLES, st.lists(st.text("aB c.", max_size=8), max_size=8))
def test_how_the_text_comes_makes_no_difference(titles: list[str], parts: list[str]) -> None:
    by_id = {str(number): title for number, title in enumerate(titles)}
    in_parts, at_once = Mentions(by_id), Mentions(by_id)
    told = [one for part in parts for one in in_parts.more(part)]
    assert [*told, *in_parts.end()] == [*at_once.more("".join(parts)), *at_once.end()]
