import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, StreamingResponse
from mangum.exceptions import LifespanFailure

from chat_testing.http_events import rest_event, url_event
from chat_testing.runtime_api import RuntimeApi
from lambda_streaming import AsgiHandler, current_invocation

Serve = Callable[[Any], AsgiHandler]
both_front_doors = pytest.mark.parametrize("make_event", [rest_event, url_event])


async def send_json() -> JSONResponse:
    return JSONResponse({"text": "Grüße"})


async def send_cookies(response: Response) -> None:
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")


async def send_binary() -> Response:
    return Response(b"\xff\x00", media_type="image/png")


async def send_mislabelled() -> Response:
    return Response(b"\xff\x00", headers={"x-name": "caf\u00e9"}, media_type="text/plain")


async def send_stream(*, fail: bool = False) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        if fail:
            raise ValueError("in the stream")
        yield b"two"

    return StreamingResponse(parts(), media_type="text/event-stream")


async def fail() -> None:
    raise ValueError("in the endpoint")


def make_app() -> FastAPI:
    app = FastAPI()
    app.get("/json", response_model=None)(send_json)
    app.get("/cookies")(send_cookies)
    app.get("/binary", response_model=None)(send_binary)
    app.get("/mislabelled", response_model=None)(send_mislabelled)
    app.get("/stream", response_model=None)(send_stream)
    app.get("/fail")(fail)
    return app


@pytest.fixture
def handler(serve: Serve) -> AsgiHandler:
    return serve(make_app())


def get(handler: AsgiHandler, event: Any, context: Any) -> dict[str, Any]:
    response = handler(event, context)
    assert isinstance(response, dict)
    json.dumps(response)  # what Lambda does with it
    return response


@both_front_doors
def test_text_is_returned_as_text(handler: AsgiHandler, context: Any, make_event: Any) -> None:
    response = get(handler, make_event("/json"), context)
    assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
    assert json.loads(response["body"]) == {"text": "Grüße"}


@both_front_doors
@pytest.mark.parametrize("path", ["/binary", "/mislabelled"])
def test_bytes_are_returned_as_base64(handler: AsgiHandler, context: Any, make_event: Any, path: str) -> None:
    response = get(handler, make_event(path), context)
    assert (response["body"], response["isBase64Encoded"]) == ("/wA=", True)


@both_front_doors
def test_header_octets_are_read_as_latin_1(handler: AsgiHandler, context: Any, make_event: Any) -> None:
    assert get(handler, make_event("/mislabelled"), context)["headers"]["x-name"] == "caf\u00e9"


@both_front_doors
def test_stream_is_returned_whole(handler: AsgiHandler, context: Any, make_event: Any) -> None:
    assert get(handler, make_event("/stream"), context)["body"] == "onetwo"


def test_cookies_are_a_list_of_their_own_on_a_function_url(handler: AsgiHandler, context: Any) -> None:
    cookies = get(handler, url_event("/cookies"), context)["cookies"]
    assert cookies == ["a=1; Path=/; SameSite=lax", "b=2; Path=/; SameSite=lax"]


def test_cookies_are_multi_value_headers_on_rest(handler: AsgiHandler, context: Any) -> None:
    several = get(handler, rest_event("/cookies"), context)["multiValueHeaders"]
    assert several == {"set-cookie": ["a=1; Path=/; SameSite=lax", "b=2; Path=/; SameSite=lax"]}


def test_endpoints_error_is_the_frameworks_500(handler: AsgiHandler, context: Any) -> None:
    assert get(handler, rest_event("/fail"), context)["statusCode"] == 500


def test_error_in_a_collected_stream_is_raised(handler: AsgiHandler, context: Any) -> None:
    with pytest.raises(ValueError, match="in the stream"):
        handler(rest_event("/stream", query="fail=1"), context)


def test_startup_and_shutdown_run_once(serve: Serve, context: Any) -> None:
    calls: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{kind}"
                calls.append(kind)
                await send({"type": f"lifespan.{kind}.complete"})
        else:
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

    handler = serve(app)
    for _ in range(3):
        get(handler, rest_event("/"), context)
    assert calls == ["startup"]
    handler.shutdown()
    handler.shutdown()
    assert calls == ["startup", "shutdown"]


def test_failed_startup_is_raised_when_the_handler_is_made() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanFailure, match="no database"):
        AsgiHandler(app)


def test_app_without_a_lifespan_serves(serve: Serve, context: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(scope["type"])
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"served"})

    assert get(serve(app), url_event("/"), context)["statusCode"] == 200


def test_callers_context_variables_reach_the_app_and_none_come_back(serve: Serve, context: Any) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body = variable.get().encode()
            variable.set("by the app")
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": body})

    handler = serve(app)
    variable.set("by the caller")
    assert [get(handler, url_event("/"), context)["body"] for _ in range(2)] == ["by the caller"] * 2
    assert variable.get() == "by the caller"
    assert current_invocation.get() is None


def test_concurrent_invocations_stream_side_by_side_in_one_process(serve: Serve, api: RuntimeApi) -> None:
    """Every app waits for all the others between its parts, so they can only end together."""
    count = 8
    together = asyncio.Barrier(count)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})
            for _ in range(3):
                await together.wait()
                invocation = current_invocation.get()
                assert invocation is not None
                part = f"{invocation.request_id} {threading.current_thread().name}\n".encode()
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})

    handler = serve(app)
    invocations = [api.invoke(rest_event("/")) for _ in range(count)]

    def serve_one(request_id: str) -> None:
        context = LambdaContext(request_id, None, None, 32_503_680_000_000, "arn")
        handler.stream(rest_event("/"), context).deliver(api.address, request_id)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(serve_one, [invocation.request_id for invocation in invocations]))
    for invocation in invocations:
        assert invocation.response().body.decode() == f"{invocation.request_id} lambda-streaming\n" * 3


def test_unreachable_runtime_api_is_raised_and_ends_the_app(serve: Serve, context: Any) -> None:
    cancelled = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})
            try:
                await send({"type": "http.response.body", "body": b"part"})
            finally:
                cancelled.set()

    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = "{}:{}".format(*probe.getsockname())
    response = serve(app).stream(rest_event("/"), context)
    with pytest.raises(ConnectionRefusedError):
        response.deliver(address, "request")
    assert cancelled.wait(10)
