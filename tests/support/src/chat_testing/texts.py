"""Questions and answers of realistic length, for figures that depend on what is written."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

from chat_testing.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

QUESTION_BYTES = 400
ANSWER_BYTES = 2_000

_FILE = ROOT / "tests/load/texts.txt"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of 400 bytes and its answer of 2,000, in UTF-8; one character may be missing at the end."""

    name: str
    question: str
    answer: str


def exchanges() -> list[Exchange]:
    """All of them: English prose first, then code, then other languages."""
    return [_exchange(part) for part in _FILE.read_text(encoding="utf-8").split("=== ")[1:]]


def history(exchanges: Sequence[Exchange], count: int, begin: int = 0) -> list[str]:
    """`count` texts, a question and an answer in turn, from exchange `begin` on and round again."""
    rotated = [*exchanges[begin:], *exchanges[:begin]]
    texts = [text for exchange in rotated for text in (exchange.question, exchange.answer)]
    return list(islice(cycle(texts), count))


def _exchange(part: str) -> Exchange:
    name, _, rest = part.partition("\n")
    question, _, answer = rest.partition("\n---\n")
    return Exchange(name, _cut(question, QUESTION_BYTES), _cut(answer.strip(), ANSWER_BYTES))


def _cut(text: str, size: int) -> str:
    encoded = text.encode()
    if len(encoded) < size:
        message = f"a text has {len(encoded)} bytes and should have {size}"
        raise ValueError(message)
    return encoded[:size].decode(errors="ignore")
