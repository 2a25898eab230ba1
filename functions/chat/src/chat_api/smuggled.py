"""Text that a model reads and nobody sees: Unicode characters without a shape of their own that can spell a message.

They come with what a user pastes, and with what tools and files bring.
"""

import re
from typing import Any, cast

from agents import TResponseInputItem
from agents.run import CallModelData, ModelInputData

_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
"""A flag of a region, as that of Scotland: the one use that tag characters have (UTS 51, ED-14a)."""
_TAGS = "[\U000e0000-\U000e007f]"
"""ASCII once more, invisible (Unicode 16, 23.9)."""
_VARIANTS = "(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
"""Variation selectors that follow one: the first chooses a glyph (23.4), those behind it can only be data."""
_SMUGGLED = re.compile(f"({_FLAG})|{_TAGS}|{_VARIANTS}")


def without_smuggled(data: CallModelData[Any]) -> ModelInputData:
    """What the model is asked without such text; the instructions, which are ours, as they are."""
    asked = data.model_data
    return ModelInputData([cast("TResponseInputItem", all_visible(item)) for item in asked.input], asked.instructions)


def visible(text: str) -> str:
    """The same text, without what nobody sees of it. Right-to-left marks and joiners stay, which scripts need."""
    return text if text.isascii() else _SMUGGLED.sub(lambda found: found[1] or "", text)


def all_visible(value: Any) -> Any:
    """The same JSON, with every text in it made visible; the names of members, which are the sender's, too."""
    match value:
        case str():
            return visible(value)
        case dict():
            return {visible(name): all_visible(element) for name, element in value.items()}
        case list():
            return [all_visible(element) for element in value]
    return value
