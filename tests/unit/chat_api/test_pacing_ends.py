"""However reading ends, the source is closed in its own context, and no task and no error is left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_api.pacing import HEARTBEAT, Pace, paced
from chat_testing.timed_events import TICK, Heard, Script, Source, paces, pauses, scripts
from chat_testing.virtual_time import run

WINDOW = 20 * TICK


@given(scripts, paces(), st.integers(1, 12), st.integers(0, 60))
def test_closing_early_closes_the_source_and_leaves_no_task(script: Script, pace: Pace, count: int, wait: int) -> None:
    source = Source(script)
    taken: list[bytes] = []

    async def scenario() -> None:
        parts = paced(source.events(), pace)
        with contextlib.suppress(LookupError):
            async for part in parts:
                taken.append(part)
                if len(taken) == count:
                    break
        await asyncio.sleep(wait * TICK)
        await parts.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    events = pace.padding + b"".join(event for _, event in source.said)
    assert events.startswith(b"".join(part for part in taken if part != HEARTBEAT))
    assert source.is_closed


@given(scripts, paces(), pauses, st.integers(0, 400))
def test_cancelled_reader_closes_the_source(script: Script, pace: Pace, reader: tuple[int, ...], after: int) -> None:
    found = Heard(Source(script))

    async def scenario() -> None:
        listening = asyncio.create_task(found.listen(pace, reader))
        await asyncio.sleep(after * TICK)
        listening.cancel()
        await asyncio.wait({listening})
        del listening
        await asyncio.sleep(TICK)  # for a generator left in a pause, which the loop closes
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    assert found.source.is_closed or not found.source.said


class Clinging:
    """A source that says one more thing when it is cancelled, and cannot be closed."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.is_cancelled:
            return b"data: another\n\n"
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            self.is_cancelled = True
        return b"data: one\n\n"


def test_source_that_goes_on_when_cancelled_is_left() -> None:
    async def scenario() -> None:
        source = Clinging()
        parts = paced(source, Pace())
        assert await anext(parts) == b"data: one\n\n"
        await asyncio.sleep(TICK)
        await parts.aclose()
        assert source.is_cancelled

    run(scenario())


def test_source_is_closed_even_if_who_closes_it_is_cancelled_meanwhile() -> None:
    ended: list[float] = []

    async def events() -> AsyncIterator[bytes]:
        try:
            yield b"data: one\n\n"
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(1)
            ended.append(asyncio.get_running_loop().time())

    async def scenario() -> None:
        parts = paced(events(), Pace(window_seconds=WINDOW))
        await anext(parts)
        closing = asyncio.create_task(parts.aclose())
        await asyncio.sleep(TICK)
        closing.cancel()
        await asyncio.wait({closing})
        await asyncio.sleep(2)

    run(scenario())
    assert ended == [1.0]


@pytest.mark.parametrize("fails_before", [True, False])
def test_failure_that_nobody_waits_for_is_no_complaint(fails_before: bool) -> None:
    async def events() -> AsyncIterator[bytes]:
        try:
            yield b"data: one\n\n"
            await asyncio.sleep(0 if fails_before else 1000)
        finally:
            raise LookupError

    async def scenario() -> None:
        parts = paced(events(), Pace(window_seconds=WINDOW))
        assert await anext(parts) == b"data: one\n\n"
        await asyncio.sleep(1)
        await parts.aclose()

    run(scenario())


def test_cancellation_of_the_source_reaches_the_reader() -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: one\n\n"
        raise asyncio.CancelledError

    async def scenario() -> None:
        parts = paced(events(), Pace())
        assert await anext(parts) == b"data: one\n\n"
        with pytest.raises(asyncio.CancelledError):
            await anext(parts)

    run(scenario())
