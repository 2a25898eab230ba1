"""Where a text mentions things by their titles, found while the text is still being written."""

from collections import Counter, defaultdict
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
        known = sorted(
            ((title, id_) for id_, title in folded.items() if title and count[title] == 1),
            key=lambda one: -len(one[0]),
        )
        self._longest = len(known[0][0]) if known else 0
        self._titles = defaultdict[str, list[tuple[str, str]]](list)
        for title, id_ in known:
            self._titles[title[0]].append((title, id_))
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
        while self._next < settled:
            title, id_ = self._at(self._next)
            self._next += len(title) or 1
            if title and id_ not in self._mentioned:
                self._mentioned.add(id_)
                yield Mention(id_, self._next)

    def _at(self, place: int) -> tuple[str, str]:
        """The longest title that stands as a whole at a place, and whose it is; an empty one where none does."""
        known = self._titles.get(self._text[place])
        if known and not _is_of_a_word(self._text[place - 1 : place]):
            for title, id_ in known:
                end = place + len(title)
                if self._text.startswith(title, place) and not _is_of_a_word(self._text[end : end + 1]):
                    return title, id_
        return "", ""


def _is_of_a_word(character: str) -> bool:
    """Whether it makes another word of what it is next to; scripts without capitals join words, or their particles."""
    return character.isdigit() or character.lower() != character.upper()


def _folded(text: str) -> str:
    """The text in small letters, each at its place: a few letters would become two."""
    return text.lower() if text.isascii() else "".join(map(_small, text))


def _small(character: str) -> str:
    small = character.lower()
    return small if len(small) == 1 else character
