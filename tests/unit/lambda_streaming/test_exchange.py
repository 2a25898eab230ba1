import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat_testing.http_events import rest_event
from lambda_streaming.buffered import BufferedBody
from lambda_streaming.errors import ClientDisconnected, IncompleteResponse, NoResponse, UnexpectedMessage
from lambda_streaming.exchange import Exchange
from lambda_streaming.request import request_from

START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}
LAST = {"type": "http.response.body"}

App = Callable[[Any, Any, Any], Awaitable[None]]
Open = Callable[[App], Exchange]


@pytest.fixture
def open_exchange(context: Any) -> Open:
    """Starts an app on a request whose body is `body`; its parts go to a buffer at once."""

    def start(app: App) -> Exchange:
        exchange = Exchange(app, request_from(rest_event("/", method="POST", body="body"), context))
        exchange.attach(BufferedBody())
        return exchange

    return start


def sending(*messages: dict[str, Any]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


@pytest.mark.anyio
@pytest.mark.parametrize("messages", [[PART], [LAST], [{"type": "websocket.accept"}]])
async def test_anything_before_the_start_is_an_error(open_exchange: Open, messages: list[dict[str, Any]]) -> None:
    with pytest.raises(UnexpectedMessage, match=r"not allowed in phase request"):
        await open_exchange(sending(*messages)).started()


@pytest.mark.anyio
@pytest.mark.parametrize("messages", [[START, START], [START, LAST, PART], [START, LAST, START]])
async def test_second_start_and_parts_after_the_last_are_errors(
    open_exchange: Open, messages: list[dict[str, Any]]
) -> None:
    raised: list[Exception] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            try:
                await send(message)
            except UnexpectedMessage as exc:
                raised.append(exc)

    await open_exchange(app).ended()
    assert len(raised) == 1


@pytest.mark.anyio
async def test_app_that_ends_without_a_response_is_an_error(open_exchange: Open) -> None:
    with pytest.raises(NoResponse):
        await open_exchange(sending()).started()


@pytest.mark.anyio
@pytest.mark.parametrize("messages", [[START], [START, PART]])
async def test_app_that_ends_before_the_last_part_failed(open_exchange: Open, messages: list[dict[str, Any]]) -> None:
    assert isinstance(await open_exchange(sending(*messages)).ended(), IncompleteResponse)


@pytest.mark.anyio
async def test_cancelled_app_is_an_error_and_no_cancellation(open_exchange: Open) -> None:
    exchange = open_exchange(lambda *_: asyncio.Event().wait())  # type: ignore[arg-type] # returns True if ever
    exchange.cancel()
    with pytest.raises(NoResponse, match="cancelled"):
        await exchange.started()


@pytest.mark.anyio
async def test_body_is_received_once_and_then_nothing_until_the_response_is_complete(open_exchange: Open) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == {"type": "http.request", "body": b"body", "more_body": False}
        await send(START)
        waiting = asyncio.ensure_future(receive())
        await send(PART)
        await asyncio.sleep(0)
        assert not waiting.done()
        await send(LAST)
        assert await waiting == {"type": "http.disconnect"}

    assert await open_exchange(app).ended() is None


@pytest.mark.anyio
async def test_disconnect_ends_receive_and_makes_send_raise(open_exchange: Open) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        assert await receive() == {"type": "http.disconnect"}
        await send(PART)

    exchange = open_exchange(app)
    await exchange.started()
    exchange.disconnect()
    assert isinstance(await exchange.ended(), ClientDisconnected)


@pytest.mark.anyio
async def test_app_that_ends_quietly_after_a_disconnect_was_disconnected(open_exchange: Open) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await receive()
        await receive()

    exchange = open_exchange(app)
    await exchange.started()
    exchange.disconnect()
    assert isinstance(await exchange.ended(), ClientDisconnected)
