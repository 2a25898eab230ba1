"""A turn runs to its end whoever reads it; a failure before its first event is raised, a later one is an event."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest
from chatkit.types import ErrorEvent
from starlette.requests import ClientDisconnect

from chat_api.pacing import Pace
from chat_api.runs.turn import MARGIN_SECONDS, Turn
from chat_api.web.responses import TurnResponse
from chat_api.wire import event_of
from chat_api.words import Words


async def stream(*events: bytes | Exception) -> AsyncIterator[bytes]:
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


async def read(turn: Turn) -> list[bytes | None]:
    return [await turn.first(), *[event async for event in turn.rest()]]


def test_events_are_read_in_order() -> None:
    async def scenario() -> None:
        assert await read(Turn(stream(b"1", b"2", b"3"))) == [b"1", b"2", b"3"]

    asyncio.run(scenario())


def test_single_event_ends_the_turn() -> None:
    async def scenario() -> None:
        assert await read(Turn(stream(b"1"))) == [b"1"]

    asyncio.run(scenario())


def test_failure_before_the_first_event_is_raised() -> None:
    async def scenario() -> None:
        with pytest.raises(LookupError):
            await Turn(stream(LookupError())).first()

    asyncio.run(scenario())


def test_turn_without_events_has_no_first() -> None:
    async def scenario() -> None:
        assert await Turn(stream()).first() is None

    asyncio.run(scenario())


def test_failure_after_the_first_event_is_an_event_that_allows_retry() -> None:
    async def scenario() -> None:
        turn = Turn(stream(b"1", LookupError("a secret")), words=Words("en", "r-1"))
        first, error = await read(turn)
        assert first == b"1"
        message = "Something went wrong. Trying again may help. Reference: r-1"
        assert error == event_of(ErrorEvent(code="custom", message=message, allow_retry=True))

    asyncio.run(scenario())


def test_reader_that_leaves_does_not_end_the_turn() -> None:
    async def scenario() -> None:
        stored: list[int] = []
        gate = asyncio.Event()

        async def events() -> AsyncIterator[bytes]:
            yield b"1"
            await gate.wait()
            stored.append(1)
            yield b"2"
            stored.append(2)

        turn = Turn(events())
        await turn.first()
        reader = asyncio.create_task(_collect(turn))
        await asyncio.sleep(0)
        reader.cancel()
        gate.set()
        await turn.finished()
        assert stored == [1, 2]

    asyncio.run(scenario())


def test_turn_ends_itself_before_the_platform_does() -> None:
    async def scenario() -> None:
        kept: list[str] = []

        async def events() -> AsyncIterator[bytes]:
            yield b"1"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                kept.append("the text so far")
                raise

        first, error = await read(Turn(events(), deadline=time.time() + MARGIN_SECONDS + 0.1))
        assert first == b"1"
        assert error is not None
        assert b'"allow_retry":true' in error
        assert kept == ["the text so far"]

    asyncio.run(scenario())


def test_response_ends_no_sooner_than_its_turn() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def events() -> AsyncIterator[bytes]:
            yield b"1"
            await gate.wait()
            yield b"2"

        async def receive() -> dict[str, object]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(_message: object) -> None:
            raise OSError("nobody reads")

        turn = Turn(events())
        first = await turn.first()
        assert first is not None
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
        sending = asyncio.create_task(TurnResponse(turn.events(first), turn, "run-1", Pace())(scope, receive, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not sending.done()
        gate.set()
        with pytest.raises(ClientDisconnect):
            await sending

    asyncio.run(scenario())


def test_context_variables_are_reset_in_the_context_that_set_them() -> None:
    variable: ContextVar[int] = ContextVar("variable")

    async def events() -> AsyncIterator[bytes]:
        token = variable.set(1)
        yield b"1"
        yield b"2"
        variable.reset(token)

    async def scenario() -> None:
        turn = Turn(events())
        await turn.first()
        rest = asyncio.create_task(_collect(turn))
        assert await rest == [b"2"]

    asyncio.run(scenario())


async def _collect(turn: Turn) -> list[bytes]:
    return [event async for event in turn.rest()]
