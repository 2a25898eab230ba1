"""The arguments of a tool's call as the user is shown them who is to allow it: nothing in them can hide the rest."""

import json
import unicodedata
from typing import Any

from chat_api.texts import mark, say
from chatkit_aws.plain_text import BLANK, parts

MOST_SHOWN = 200
"""Characters of each text in them that are shown, and of each name."""

_MORE = mark("{text}… [{count} more characters]")
_ISOLATED = "\u2068{}\u2069"
"""A text whose direction changes nothing around it (UAX 9, 2.7)."""
_UNKNOWN = {"Cn", "Co"}
"""The categories of what only some fonts have."""
_RIGHT_TO_LEFT = {"R", "AL", "AN"}


def shown(arguments: str, locale: str) -> str:
    """A call's arguments, which are the model's words: JSON, with each text in it cut by itself, and each name shown.

    What cannot be seen, or turns what stands around it, is shown as U+FFFD.
    """
    try:
        return json.dumps(_cut(json.loads(arguments or "{}"), locale), ensure_ascii=False)
    except (ValueError, RecursionError):
        return json.dumps(plain(arguments, locale), ensure_ascii=False)


def plain(text: str, locale: str) -> str:
    """A text as it is shown within another one: no longer than may be, and no other than it looks."""
    left_out = len(text) - MOST_SHOWN
    visible = "".join(_visible(*part) for part in parts(text[:MOST_SHOWN]))
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in visible):
        visible = _ISOLATED.format(visible)
    return say(locale, _MORE, text=visible, count=left_out) if left_out > 0 else visible


def _cut(value: Any, locale: str) -> Any:
    match value:
        case str():
            return plain(value, locale)
        case dict():
            # As pairs first: two long names may be the same when they are cut.
            cut = [(plain(name, locale), _cut(element, locale)) for name, element in value.items()]
            names = dict(cut)
            return names if len(names) == len(cut) else [list(pair) for pair in cut]
        case list():
            return [_cut(element, locale) for element in value]
    return value


def _visible(character: str, is_seen: bool) -> str:
    if is_seen and character != BLANK and unicodedata.category(character) not in _UNKNOWN:
        return character
    return " " if character in "\n\r\t" else "\ufffd"
