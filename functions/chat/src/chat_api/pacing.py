"""How server-sent events leave: tiny ones joined, silence filled with heartbeats, the first one padded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

HEARTBEAT = b": \n"
"""A comment, which readers ignore.

One line without a blank one after it: that is valid between events, and several clients' parsers take any blank line
for the end of an event, here of an empty one (Azure/fetch-event-source issue 15, mpetazzoni/sse.js issue 91). Source:
the HTML standard, "Parsing an event stream", and its authoring notes on comments every 15 seconds or so.
"""

_reading: set[asyncio.Task[None]] = set()
"""Sources being read: the event loop keeps only weak references, and who closes one may not be able to wait for it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When parts leave, and what is added to them; the default is every event by itself and nothing else.

    A heartbeat comes after `heartbeat_seconds` without a part; 0 is none. Events are joined for at most
    `window_seconds`, which have to be fewer, or until they have `window_bytes`; 0 seconds join none. A comment of
    `padding_bytes`, two at least, goes before the first event; 0 is none. Raises `ValueError`.
    """

    heartbeat_seconds: float = 0.0
    window_seconds: float = 0.0
    window_bytes: int = 16_384
    padding_bytes: int = 0

    def __post_init__(self) -> None:
        if min(self.heartbeat_seconds, self.window_seconds, self.window_bytes, self.padding_bytes) < 0:
            raise ValueError("no part of a pace is less than 0")
        if 0 < self.heartbeat_seconds <= self.window_seconds:
            raise ValueError("a window has to end before a heartbeat is due")

    @property
    def padding(self) -> bytes:
        """What goes before the first event."""
        return b":".ljust(self.padding_bytes - 1) + b"\n" if self.padding_bytes else b""

    @property
    def part_bytes(self) -> int:
        """How many bytes a part has when it waits for no more."""
        return max(1, self.window_bytes) if self.window_seconds else 1


async def paced(events: AsyncIterator[bytes], pace: Pace) -> AsyncGenerator[bytes]:
    """The parts in which `events`, whole server-sent events, leave; raises what they raise, after all that came.

    An event leaves at once if no other left within the last window, together with what has come by then: neither the
    first one nor the words of a slow model wait. Others leave when a window has passed since the last part, so that
    none waits longer than one. Silence counts from the first iteration on; a heartbeat begins no window.

    `events` are read in a task of their own, no further ahead than one part. Nothing cancels it but closing this
    generator: that cancels it where it waits, and closes `events` in the context in which they ran.
    """
    loop = asyncio.get_running_loop()
    padding, window_end = pace.padding, loop.time()
    source = _Source(events, pace.part_bytes)
    try:
        while True:
            while not await _is_set_within(source.ready, pace.heartbeat_seconds or None):
                yield HEARTBEAT
            if (seconds := window_end - loop.time()) > 0:
                await _is_set_within(source.complete, seconds)
            if part := source.take():
                window_end = loop.time() + pace.window_seconds
                yield padding + part
                padding = b""
            elif source.is_over:
                source.raise_failure()
                return
    finally:
        await source.close()


class _Source:
    """Reads events into the next part, and waits when that is complete until it is taken."""

    def __init__(self, events: AsyncIterator[bytes], part_bytes: int) -> None:
        self.ready = asyncio.Event()
        """Set while there is something to take, and once it is over."""
        self.complete = asyncio.Event()
        """Set while there is nothing to wait for before it is taken."""
        self._taken = asyncio.Event()
        self._part = bytearray()
        self._part_bytes = part_bytes
        self._task = asyncio.create_task(self._read(events))
        _reading.add(self._task)
        self._task.add_done_callback(self._end)

    @property
    def is_over(self) -> bool:
        """Whether nothing will come any more."""
        return self._task.done()

    def take(self) -> bytes:
        """All that has come since the last time."""
        part = bytes(self._part)
        self._part.clear()
        self._taken.set()
        if not self.is_over:
            self.ready.clear()
            self.complete.clear()
        return part

    def raise_failure(self) -> None:
        """Raise what the events raised, if anything."""
        self._task.result()

    async def close(self) -> None:
        """Read no more; wait until the events are closed."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _read(self, events: AsyncIterator[bytes]) -> None:
        try:
            async for event in events:
                if self._task.cancelling():  # and the events went on nevertheless
                    return
                self._part += event
                self.ready.set()
                if len(self._part) >= self._part_bytes:
                    self.complete.set()
                    self._taken.clear()
                    await self._taken.wait()
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    def _end(self, task: asyncio.Task[None]) -> None:
        _reading.discard(task)
        self.ready.set()
        self.complete.set()
        if not task.cancelled():
            task.exception()  # taken, as whoever closes early has no use for it


async def _is_set_within(event: asyncio.Event, seconds: float | None) -> bool:
    if event.is_set():
        return True
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
