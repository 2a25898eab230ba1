"""JSON made small: what every message has in common left out, the rest compressed where that makes it smaller.

Brotli, because a capacity unit is a kilobyte and its dictionary of words brings a usual answer below that, which
neither zstd nor deflate does (`docs/decisions`, and `make bench` measures it).
"""

from __future__ import annotations

import brotli

_STORED, _BROTLI = 0, 1

_FRAMES: tuple[tuple[bytes, bytes], ...] = (
    (b"", b""),
    (b'{"type":"assistant_message","content":[{"annotations":[],"text":"', b'","type":"output_text"}]}'),
    (
        b'{"type":"user_message","content":[{"type":"input_text","text":"',
        b'"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}',
    ),
)
"""Beginnings and ends of JSON that need not be stored. Rows refer to them by number: add at the end, change none."""

_SMALL = 8_192
_QUALITY, _QUALITY_OF_LARGE = 11, 5
"""The best quality takes about a millisecond for a kilobyte; that for large texts a hundredth of it."""
_LEAST = 64
"""Bytes below which there is nothing to win."""


def pack(text: bytes) -> bytes:
    """`text` in as few bytes as can be: one that says how, then the rest."""
    number = next(n for n in range(len(_FRAMES) - 1, -1, -1) if _fits(text, *_FRAMES[n]))
    prefix, suffix = _FRAMES[number]
    inner = text[len(prefix) : len(text) - len(suffix)]
    packed = _compress(inner)
    method, data = (_BROTLI, packed) if len(packed) < len(inner) else (_STORED, inner)
    return bytes([method << 4 | number]) + data


def unpack(packed: bytes) -> bytes:
    """The text in what `pack` made; raises ValueError for anything else."""
    method, number = divmod(packed[0], 16) if packed else (-1, 0)
    if method not in {_STORED, _BROTLI} or number >= len(_FRAMES):
        message = "the bytes were not made by this version"
        raise ValueError(message)
    prefix, suffix = _FRAMES[number]
    try:
        inner = brotli.decompress(packed[1:]) if method == _BROTLI else packed[1:]
    except brotli.error as error:
        message = "the bytes cannot be decompressed"
        raise ValueError(message) from error
    return prefix + inner + suffix


def _fits(text: bytes, prefix: bytes, suffix: bytes) -> bool:
    return len(text) >= len(prefix) + len(suffix) and text.startswith(prefix) and text.endswith(suffix)


def _compress(text: bytes) -> bytes:
    if len(text) < _LEAST:
        return text
    quality = _QUALITY if len(text) <= _SMALL else _QUALITY_OF_LARGE
    compressed: bytes = brotli.compress(text, mode=brotli.MODE_TEXT, quality=quality)
    return compressed
