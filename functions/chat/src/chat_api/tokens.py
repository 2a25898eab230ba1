"""How many tokens something has, by its length: where nobody has counted them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents import TResponseInputItem

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
    length = length_of(json.dumps(items, ensure_ascii=False, default=str)) - sum(map(length_of, files))
    return tokens_in(length) + len(files) * _FILE_TOKENS


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


def length_of(text: str) -> int:
    """The bytes of a text; what a tool gave may have half of a surrogate pair in it."""
    return len(text.encode(errors="surrogatepass"))


def tokens_in(length: int) -> int:
    """The tokens of a text of so many bytes."""
    return length // _BYTES
