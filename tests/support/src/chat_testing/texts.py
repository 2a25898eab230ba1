"""Questions and answers of realistic length, for figures that depend on what is written."""

from __future__ import annotations

from dataclasses import dataclass

from chat_testing.repository import ROOT

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
