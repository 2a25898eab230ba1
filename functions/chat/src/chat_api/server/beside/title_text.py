"""What a model says as a title, made fit to be shown as one."""

import unicodedata

from chatkit_aws.plain_text import BLANK, parts

MAX_CHARACTERS = 60

_DOUBLE_QUOTES = dict.fromkeys(map(ord, '"“”„‟«»「」『』\uff02'))
_EDGES = " '\u2018\u2019`*_"
_DOTS = ".…。\uff0e\uff61"


def tidy(said: str) -> str:
    """A title as it is shown: the first line of what a model said, of 60 characters at most.

    Without double quotes, Markdown around it, a dot at its end, and characters that show nothing, or turn the rest.
    """
    lines = (" ".join("".join(_shown(*part) for part in parts(line)).split()) for line in said.splitlines())
    line = next((line for line in lines if line), "").translate(_DOUBLE_QUOTES)
    line = line.lstrip("# ").strip(_EDGES).rstrip(_EDGES + _DOTS)
    if len(line) <= MAX_CHARACTERS:
        return line
    head = line[:MAX_CHARACTERS]
    words = head if line[MAX_CHARACTERS] == " " else head.rpartition(" ")[0]
    # Some languages put no spaces between words.
    return (words if len(words) * 2 >= MAX_CHARACTERS else head).rstrip(_EDGES + _DOTS + ",;:-")


def _shown(character: str, is_seen: bool) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Co":
            return ""
    if character == BLANK:
        return " "
    return character if is_seen else ""
