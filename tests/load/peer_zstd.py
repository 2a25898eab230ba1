"""Compresses texts with zstd: JSON of Base64 on standard input, sizes and seconds for each level on standard output.

Runs in `.tools/peers`.
"""
# ruff: noqa: T201 - its output is its purpose

import base64
import json
import sys
import time

import zstandard  # type: ignore[import-not-found]

ROUNDS = 20


def compressed(text: bytes, level: int) -> tuple[int, float]:
    """How many bytes, and seconds, the best of some."""
    compressor = zstandard.ZstdCompressor(level=level, write_content_size=False, write_checksum=False)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        size = len(compressor.compress(text))
        best = min(best, time.perf_counter() - began)
    return size, best


def main() -> None:
    """Read, compress, tell."""
    texts = [base64.b64decode(text) for text in json.load(sys.stdin)]
    print(json.dumps({level: [compressed(text, int(level)) for text in texts] for level in sys.argv[1:]}))


if __name__ == "__main__":
    main()
