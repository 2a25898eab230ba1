"""What deflate, zstd and brotli make of real questions and answers: bytes, write units of the row, microseconds.

Each compresses an item's JSON without what its key says already; the last line is what the store does, which also
leaves out what all messages have in common.
"""

import base64
import json
import statistics
import subprocess
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import brotli

from chat_testing.benches import prepare
from chat_testing.capacity import KILOBYTE, size_of
from chat_testing.filling import RETENTION, conversation
from chat_testing.report import show
from chat_testing.repository import ROOT, TOOLS
from chat_testing.texts import exchanges
from chat_testing.turns import TENANT, USER
from chatkit_aws.ids import UlidIds
from chatkit_aws.store import codec, compression
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.rows import Row, key_attributes, values_of

ROUNDS = 20

type Compressed = list[tuple[int, float]]
"""For each text its bytes, and seconds, the best of some: others use the machine too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One item: its JSON, and how many bytes its row has without it."""

    text: bytes
    row: int

    def units(self, compressed: int) -> int:
        """Write units of the row, outside a transaction."""
        return -(-(self.row + compressed) // KILOBYTE)


def samples() -> list[Sample]:
    """The question and the answer of all exchanges, in turn."""
    now = datetime.now(UTC).replace(tzinfo=None)
    thread = Owner.of(TENANT, USER).thread(UlidIds(now.timestamp)("thread"))
    texts = [text for exchange in exchanges() for text in (exchange.question, exchange.answer)]
    found = []
    for item in conversation(thread.thread_id, texts, now):
        # Two bytes of every body say how it is made.
        row = Row(thread.item(item.created_at, item.id), body=bytes(2), expires_at=RETENTION.of_item(now.timestamp()))
        size = size_of({**key_attributes(row.key), **values_of(row)})
        found.append(Sample(codec.dump_item(item, thread.thread_id), size))
    return found


def timed(compress: Callable[[bytes], bytes], texts: Sequence[bytes]) -> Compressed:
    """What `compress` makes of each."""
    return [_timed(compress, text) for text in texts]


def _timed(compress: Callable[[bytes], bytes], text: bytes) -> tuple[int, float]:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        size = len(compress(text))
        best = min(best, time.perf_counter() - began)
    return size, best


def zstd(levels: Sequence[int], texts: Sequence[bytes]) -> dict[str, Compressed]:
    """The same by zstd, in the environment that has it."""
    command = list(map(str, [TOOLS / "peers/bin/python", ROOT / "tests/load/peer_zstd.py", *levels]))
    given = json.dumps([base64.b64encode(text).decode() for text in texts])
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, text=True)
    told: dict[str, Compressed] = json.loads(done.stdout)
    return {f"zstd, level {level}": compressed for level, compressed in told.items()}


def deflate(text: bytes) -> bytes:
    """Without zlib's or gzip's frame."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush()


def by_brotli(quality: int) -> Callable[[bytes], bytes]:
    """Brotli as the store calls it."""

    def compress(text: bytes) -> bytes:
        compressed: bytes = brotli.compress(text, mode=brotli.MODE_TEXT, quality=quality)
        return compressed

    return compress


def line(name: str, found: Sequence[Sample], compressed: Compressed) -> tuple[object, ...]:
    """One line: medians, and how many answers fit into one unit."""
    questions, answers = compressed[::2], compressed[1::2]
    units = [sample.units(size) for sample, (size, _) in zip(found[1::2], answers, strict=True)]
    return (
        name,
        *(f"{statistics.median(size for size, _ in some):,.0f}" for some in (questions, answers)),
        f"{max(size for size, _ in answers):,}",
        f"{units.count(1)} of {len(units)}",
        f"{statistics.mean(units):.2f}",
        *(f"{statistics.median(seconds for _, seconds in some) * 1e6:,.0f}" for some in (questions, answers)),
    )


def main() -> None:
    """Compress and print one table."""
    prepare()
    found = samples()
    texts = [sample.text for sample in found]
    methods = {
        "as it is": timed(lambda text: text, texts),
        "deflate, level 9": timed(deflate, texts),
        **zstd((3, 19), texts),
        "brotli, quality 5": timed(by_brotli(5), texts),
        "brotli, quality 11": timed(by_brotli(11), texts),
        "the store: the same, frame left out": timed(compression.pack, texts),
    }
    show(
        f"{len(found) // 2} questions of 400 bytes and answers of 2,000, as JSON; medians",
        ("method", "question, B", "answer, B", "longest", "answers in 1 unit", "units", "question, µs", "answer, µs"),
        [line(name, found, compressed) for name, compressed in methods.items()],
        (f"the rest of an answer's row has {found[1].row} bytes; units: average of the row, outside a transaction",),
    )


if __name__ == "__main__":
    main()
