"""Where a text mentions things by their titles, found while the text is still being written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mention:
    """What is mentioned, by its id, and the place right after the mention, in characters from the text's beginning."""

    id: str
    end: int


class Mentions:
    """The first mention of each thing in one text.

    A title is mentioned where it stands as a whole, in capitals or not: "Call" is not in "Calling", nor where "Call
    Bob" is a title too and stands there. One that several things have says of none which it is.

    A character is one of Unicode (a code point), as in Python, and as the Responses API counts its citations.
    """

    def __init__(self, titles: Mapping[str, str]) -> None:
        """Look for the things of these titles by id; the text has not begun."""
        folded = {id_: _folded(title) for id_, title in titles.items()}
        count = Counter(folded.values())
        # The longest first: of two that begin at the same place it is meant.
        self._left = sorted(
            ((title, id_) for id_, title in folded.items() if title and count[title] == 1),
            key=lambda known: -len(known[0]),
        )
        self._longest = len(self._left[0][0]) if self._left else 0
        self._text = ""
        self._next = 0
        self._mentioned: set[str] = set()

    def more(self, text: str) -> list[Mention]:
        """The mentions that are sure now that this much more was written: no longer title can begin where they do."""
        self._text += _folded(text)
        # The character after a title decides as well.
        return list(self._until(len(self._text) - self._longest))

    def end(self) -> list[Mention]:
        """Those that are sure now that nothing more is written."""
        return list(self._until(len(self._text)))

    def _until(self, settled: int) -> Iterator[Mention]:
        """The new ones that begin before `settled`, in their order."""
        while self._next < settled and (found := self._first(self._next, settled)):
            start, title, id_ = found
            self._next = start + len(title)
            if id_ not in self._mentioned:
                self._mentioned.add(id_)
                yield Mention(id_, self._next)
        self._next = max(self._next, settled)

    def _first(self, start: int, settled: int) -> tuple[int, str, str] | None:
        """The first title from `start` on that begins before `settled`, and of those the longest."""
        found = ((self._find(title, start, settled), title, id_) for title, id_ in self._left)
        return min((one for one in found if one[0] >= 0), key=lambda one: one[0], default=None)

    def _find(self, title: str, start: int, settled: int) -> int:
        """Where a title stands as a whole; -1 where it does not."""
        while (place := self._text.find(title, start, settled + len(title) - 1)) >= 0:
            if not self._is_within_a_word(place, place + len(title)):
                return place
            start = place + 1
        return -1

    def _is_within_a_word(self, start: int, end: int) -> bool:
        before, after = self._text[start - 1 : start], self._text[end : end + 1]
        return _is_of_a_word(before) or _is_of_a_word(after)


def _is_of_a_word(character: str) -> bool:
    """Whether it makes another word of what it is next to; scripts without capitals join words, or their particles."""
    return character.isdigit() or character.lower() != character.upper()


def _folded(text: str) -> str:
    """The text in small letters, each at its place: a few letters would become two."""
    return text.lower() if text.isascii() else "".join(map(_small, text))


def _small(character: str) -> str:
    small = character.lower()
    return small if len(small) == 1 else character
