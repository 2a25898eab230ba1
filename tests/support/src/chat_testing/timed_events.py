"""Server-sent events that come at given times, and what of them arrives when."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from hypothesis import strategies as st

from chat_api.pacing import HEARTBEAT, Pace, paced

TICK = 2.0**-10
"""A millisecond or so; sums of it are exact."""

_context: ContextVar[str] = ContextVar("_context")


@dataclass(frozen=True, slots=True)
class Script:
    """Ticks before each event and its bytes, ticks before the end, and whether that is a failure."""

    events: tuple[tuple[int, int], ...]
    end: int = 0
    fails: bool = False


@dataclass
class Source:
    """Says what the script has, when it has it; or later, if nobody listens.

    It resets a context variable in the end, which fails in any other context than that of the beginning.
    """

    script: Script
    said: list[tuple[float, bytes]] = field(default_factory=list)
    ended_at: float | None = None
    is_closed: bool = False

    async def events(self) -> AsyncIterator[bytes]:
        """The events, once."""
        token = _context.set("of the source")
        try:
            at = 0.0
            for number, (ticks, size) in enumerate(self.script.events):
                at += ticks * TICK
                await _until(at)
                event = (b"data: %d " % number).ljust(size - 2, b"x") + b"\n\n"
                self.said.append((_now(), event))
                yield event
            await _until(at + self.script.end * TICK)
            self.ended_at = _now()
            if self.script.fails:
                raise LookupError("the source's")
        finally:
            _context.reset(token)
            self.is_closed = True


@dataclass
class Heard:
    """What left, and when: parts with events, heartbeats; when each part was asked for, and how it ended."""

    source: Source
    parts: list[tuple[float, bytes]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    failure: Exception | None = None
    ended_at: float | None = None

    @property
    def data(self) -> bytes:
        """All the parts."""
        return b"".join(part for _, part in self.parts)

    async def listen(self, pace: Pace, pauses: tuple[int, ...] = ()) -> None:
        """Take all the parts, and pause for so many ticks after the first ones of them."""
        parts = paced(self.source.events(), pace)
        asked, waits = _now(), iter(pauses)
        try:
            async for part in parts:
                if part == HEARTBEAT:
                    self.heartbeats.append(_now())
                else:
                    self.parts.append((_now(), part))
                    self.asked.append(asked)
                    await _until(_now() + next(waits, 0) * TICK)
                asked = _now()
        except LookupError as failure:
            self.failure = failure
        self.ended_at = _now()


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until(at: float) -> None:
    if at > _now():
        await asyncio.sleep(at - _now())


_ticks = st.one_of(st.just(0), st.integers(0, 8), st.integers(0, 200))
_runs = st.tuples(st.integers(1, 10), st.sampled_from([0, 1, 3, 7, 21, 70, 150]), st.sampled_from([12, 100, 200]))
"""How many events one after the other, ticks between them, bytes of each."""


def _script(runs: list[tuple[int, int, int]], end: int, fails: bool) -> Script:
    return Script(tuple((ticks, size) for count, ticks, size in runs for _ in range(count)), end, fails)


scripts = st.builds(_script, st.lists(_runs, max_size=6), _ticks, st.booleans())
"""Scripts with bursts, words one after the other, and silence."""

pauses = st.lists(_ticks, max_size=10).map(tuple)
"""Ticks that a reader takes for each of the first parts."""


@st.composite
def paces(draw: st.DrawFn) -> Pace:
    """Paces of whole ticks."""
    window = draw(st.sampled_from([20, 50, 5, 0]))
    heartbeat = draw(st.sampled_from([0, window + 1, 64]))
    return Pace(
        heartbeat_seconds=heartbeat * TICK,
        window_seconds=window * TICK,
        window_bytes=draw(st.sampled_from([16_384, 500, 100, 0])),
        padding_bytes=draw(st.sampled_from([0, 2, 2048])),
    )
