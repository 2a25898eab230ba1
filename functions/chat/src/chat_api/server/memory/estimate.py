"""How many tokens something has, by its length: where nobody has counted them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents import TResponseInputItem
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chatkit_aws.usage import Usage

_BYTES = 4
"""Bytes of a token in UTF-8: tokenizers merge bytes, and a script of longer characters has fewer to a token.

By OpenAI's o200k_base (GPT-5, gpt-oss; measured) they are 4.2 to 4.9 in English, German, Spanish, French, Greek,
Hebrew, Chinese, Japanese and Korean, and 5 to 7 in Arabic, Russian, Hindi and Thai, which so count as too many. What is
no language counts as too few: 3.4 bytes for emoji, 1.5 for random letters and digits.
"""
_FILE_TOKENS = 1_000
"""Tokens of an image or a page that is sent as base64, roughly: its length says nothing of them."""


def tokens_of(items: Sequence[TResponseInputItem] | Sequence[Mapping[str, Any]]) -> int:
    """The tokens of what a model is given, or says. No text is taken for a file, whatever it looks like."""
    files = [*_files_in(items)]
    length = _length(json.dumps(items, ensure_ascii=False, default=str)) - sum(map(_length, files))
    return _tokens(length) + len(files) * _FILE_TOKENS


def _files_in(value: Any) -> Iterator[str]:
    """Images and documents, by where they stand: users and tools choose what is in a text, not what a part is."""
    match value:
        case {"type": "input_image" | "computer_screenshot", "image_url": str(file)}:
            yield file
        case {"type": "input_file", "file_data": str(file)}:
            yield file
        case {"type": "image_generation_call", "result": str(file)}:
            yield file
        case dict():
            for element in value.values():
                yield from _files_in(element)
        case list() | tuple():
            for element in value:
                yield from _files_in(element)


def _length(text: str) -> int:
    """In bytes; what a tool gave may have half of a surrogate pair in it."""
    return len(text.encode(errors="surrogatepass"))


def _tokens(length: int) -> int:
    return length // _BYTES


class Estimate:
    """What a call of the model has used that was cut off: nobody tells, so what was asked and said counts."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said = 0

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                self._said += _length(delta)
            case ThreadItemDoneEvent():
                # The model tells itself what it has used up to here.
                self._said = 0

    def usage(self, asked: Sequence[TResponseInputItem] | None) -> Usage:
        """The usage of the call that was given `asked` and cut off; none where none was."""
        if asked is None:
            return Usage()
        return Usage(input=tokens_of(asked), output=_tokens(self._said), requests=1)
