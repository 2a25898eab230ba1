"""A framework's own streaming response, background task and error handling through the runtime."""

from typing import Any

import pytest

from chat_testing.function_process import FunctionProcess
from chat_testing.http_events import rest_event
from chat_testing.runtime_api import RuntimeApi


@pytest.fixture
def framework(sandbox: Any) -> Any:
    return sandbox("framework", "starlette", "anyio", "idna")


def test_streaming_response_arrives_part_by_part(api: RuntimeApi, framework: Any) -> None:
    with FunctionProcess(framework, api.address) as process:
        response = api.invoke(rest_event("/stream")).response()
        process.wait_for_output("background task ran")
    assert response.prelude["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert [chunk.data for chunk in response.chunks[1:]] == [b"one", b"two", b"three"]


def test_error_in_a_streaming_response_is_in_the_trailers(api: RuntimeApi, framework: Any) -> None:
    with FunctionProcess(framework, api.address):
        response = api.invoke(rest_event("/stream", query="fail=1")).response()
    assert response.body == b"onetwothree"
    assert response.error["errorMessage"] == "in the stream"


def test_error_in_an_endpoint_is_the_frameworks_500(api: RuntimeApi, framework: Any) -> None:
    with FunctionProcess(framework, api.address) as process:
        response = api.invoke(rest_event("/fail")).response()
        process.wait_for_output("ValueError: in the endpoint")
    assert (response.prelude["statusCode"], response.body) == (500, b"Internal Server Error")
