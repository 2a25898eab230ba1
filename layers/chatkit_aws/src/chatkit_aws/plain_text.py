"""Text in which nothing is hidden: no character that cannot be seen, or that turns what stands around it.

Categories are Unicode's (https://www.unicode.org/reports/tr44/#General_Category_Values).
"""

import unicodedata

JOINERS = "\u200c\u200d"
"""Zero-width characters without which Persian words and many emoji fall apart."""
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The categories of what is not seen: controls, formats, halves of characters, breaks of lines and paragraphs."""


def one_line(text: str) -> str:
    """The text in one line, without what is hidden in it and spaces around it; empty where nothing can be seen."""
    line = " ".join(text.replace("\t", " ").splitlines())
    left = "".join(character for character in line if character in JOINERS or not is_hidden(character))
    return left.strip() if any(not character.isspace() and character not in JOINERS for character in left) else ""


def is_hidden(character: str) -> bool:
    """Whether a character is not seen; joiners are not, either."""
    return unicodedata.category(character) in HIDDEN
