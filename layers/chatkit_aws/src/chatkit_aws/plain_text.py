"""Text in which nothing is hidden: no character that cannot be seen, or that turns what stands around it.

Categories are Unicode's (https://www.unicode.org/reports/tr44/#General_Category_Values), and so is what is drawn as
nothing where a font has no use for it (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
"""

import re
import unicodedata

JOINERS = "\u200c\u200d"
"""Zero-width characters without which Persian words and many emoji fall apart."""
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The categories of what is not seen: controls, formats, halves of characters, breaks of lines and paragraphs."""

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of Unicode 16, which Python's own database does not have."""
BLANK = "\u2800"
"""Braille without a dot, which is as a space but is none for Unicode."""
_PRESENTATIONS = "\ufe0e\ufe0f"
"""Whether what is before them is drawn as text or as an emoji (UTS 51, 1.4.3)."""
_DRAWN = {"So", "Sm", "Sk", "Po", "Pd"}
"""The categories of emoji that have both, and of what becomes one with an enclosing keycap, but for digits."""


def one_line(text: str) -> str:
    """The text in one line, without what is hidden in it and spaces around it; empty where nothing can be seen."""
    line = " ".join(text.replace("\t", " ").splitlines())
    left = "".join(part for part, is_seen in parts(line) if is_seen)
    return left.strip() if any(not part.isspace() and part not in JOINERS + BLANK for part in left) else ""


def parts(text: str) -> list[tuple[str, bool]]:
    """The characters of a text, and whether each is seen or, as joiners, part of what is."""
    before = ["", *text]
    return [
        (character, character in JOINERS or not is_hidden(character) or _chooses(character, previous))
        for previous, character in zip(before, text, strict=False)
    ]


def is_hidden(character: str) -> bool:
    """Whether a character is not seen; joiners are not, either."""
    return unicodedata.category(character) in HIDDEN or _IGNORABLE.match(character) is not None


def _chooses(character: str, previous: str) -> bool:
    """Whether a character says how the emoji before it is drawn."""
    if character not in _PRESENTATIONS or previous in ("", BLANK):
        return False
    return previous in "0123456789" or unicodedata.category(previous) in _DRAWN
