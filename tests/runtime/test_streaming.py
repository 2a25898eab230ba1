"""Responses as they come to a Runtime API, from one process that serves all of these tests."""

import json
from typing import Any

import pytest

from chat_testing.function_process import FunctionProcess
from chat_testing.http_events import HttpEvent, rest_event, url_event
from chat_testing.recordings import Reading, Response
from chat_testing.runtime_api import RuntimeApi

pytestmark = pytest.mark.usefixtures("process")
both_front_doors = pytest.mark.parametrize("make_event", [rest_event, url_event])


def get(api: RuntimeApi, path: str, **options: Any) -> Response:
    return api.invoke(rest_event(path), **options).response()


def facts(api: RuntimeApi, event: HttpEvent, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(api.invoke(event, **options).response().body)
    return found


def test_each_part_arrives_before_the_app_may_send_the_next(shared_api: RuntimeApi, gate: Any) -> None:
    invocation = shared_api.invoke(rest_event("/gated"))
    with gate.accept() as app:
        assert b"text/event-stream" in invocation.chunk(0).data
        for number in range(1, 21):
            line = b"data: %d\n" % number
            app.sendall(line)
            assert invocation.chunk(number).data == line
    assert len(invocation.response().chunks) == 21


def test_prelude_is_the_first_chunk_alone(shared_api: RuntimeApi) -> None:
    response = get(shared_api, "/binary")
    assert response.chunks[0].data == b'{"statusCode":200,"headers":{}}' + bytes(8)


def test_post_says_that_it_streams(shared_api: RuntimeApi) -> None:
    headers = get(shared_api, "/binary").headers
    assert headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert headers["lambda-runtime-function-response-mode"] == "streaming"
    assert headers["transfer-encoding"] == "chunked"
    assert headers["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    assert "lambda-runtime-invocation-id" not in headers


def test_invocation_id_is_sent_back(shared_api: RuntimeApi) -> None:
    response = get(shared_api, "/binary", headers={"Lambda-Runtime-Invocation-Id": "inv-7"})
    assert response.headers["lambda-runtime-invocation-id"] == "inv-7"


def test_each_response_has_a_connection_of_its_own(shared_api: RuntimeApi) -> None:
    assert get(shared_api, "/binary").connection != get(shared_api, "/binary").connection


def test_cookies_are_apart_repeated_headers_joined_and_hop_by_hop_headers_gone(shared_api: RuntimeApi) -> None:
    assert get(shared_api, "/cookies").prelude == {
        "statusCode": 201,
        "headers": {"content-type": "application/octet-stream", "vary": "Origin, Accept"},
        "cookies": ["a=1; Path=/", "b=2"],
    }


def test_bytes_pass_unchanged(shared_api: RuntimeApi) -> None:
    response = get(shared_api, "/binary")
    assert [chunk.data for chunk in response.chunks[1:]] == [bytes(range(256)), bytes(8)]


@pytest.mark.parametrize("path", ["/status/200", "/status/204", "/status/304"])
def test_empty_body_gets_one_byte(shared_api: RuntimeApi, path: str) -> None:
    response = get(shared_api, path)
    assert (response.prelude["statusCode"], response.body) == (int(path[-3:]), b"\n")


@both_front_doors
def test_head_gets_one_byte_whatever_the_app_sends(shared_api: RuntimeApi, make_event: Any) -> None:
    response = shared_api.invoke(make_event("/cookies", method="HEAD")).response()
    assert (response.prelude["statusCode"], response.body) == (201, b"\n")


def test_eight_megabytes_arrive_whole(shared_api: RuntimeApi) -> None:
    response = shared_api.invoke(rest_event("/large", query=f"size={8 * 2**20}")).response()
    assert response.body == b"x" * (8 * 2**20)


@both_front_doors
@pytest.mark.parametrize("body", ["Grüße", bytes(range(256)), ""])
def test_request_body_reaches_the_app(shared_api: RuntimeApi, make_event: Any, body: str | bytes) -> None:
    response = shared_api.invoke(make_event("/echo", method="POST", body=body)).response()
    assert response.body == (body if isinstance(body, bytes) else body.encode()) or b"\n"


@both_front_doors
def test_request_line_and_headers_reach_the_app(shared_api: RuntimeApi, make_event: Any) -> None:
    lines = [("Accept-Language", "de, en;q=0.5"), ("Cookie", "a=1"), ("Cookie", "b=2")]
    found = facts(shared_api, make_event("/facts/a%2Fb c", method="POST", query="q=1&q=2&r=%26", headers=lines))
    assert found["method"] == "POST"
    assert (found["path"], found["raw_path"]) == ("/facts/a/b c", "/facts/a%2Fb%20c")
    assert found["query"] == "q=1&q=2&r=%26"
    assert ["accept-language", "de, en;q=0.5"] in found["headers"]
    cookies = "; ".join(value for name, value in found["headers"] if name == "cookie")
    assert cookies == "a=1; b=2"


def test_repeated_request_headers_stay_lines_of_their_own(shared_api: RuntimeApi) -> None:
    found = facts(shared_api, rest_event("/facts", headers=[("X-Several", "a"), ("X-Several", "b")]))
    assert [value for name, value in found["headers"] if name == "x-several"] == ["a", "b"]


def test_app_knows_its_invocation(shared_api: RuntimeApi) -> None:
    trace = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
    found = facts(shared_api, rest_event("/facts"), headers={"Lambda-Runtime-Trace-Id": trace})
    assert found["request_id"] == found["aws_request_id"]
    assert found["function_arn"].endswith(":function:function")
    assert found["trace_id"] == "1-67891233-abcdef012345678912345678"


def test_deadline_is_lambdas(shared_api: RuntimeApi) -> None:
    invocation = shared_api.invoke(rest_event("/facts"))
    found = json.loads(invocation.response().body)
    expected = int(invocation.headers["Lambda-Runtime-Deadline-Ms"]) / 1000
    assert found["deadline"] == pytest.approx(expected, abs=0.01)


def test_invocations_share_one_loop_and_one_lifespan(shared_api: RuntimeApi) -> None:
    first, second = facts(shared_api, rest_event("/facts")), facts(shared_api, url_event("/facts"))
    assert first["startups"] == second["startups"] == 1
    assert first["greeting"] == second["greeting"] == "hello"
    assert (first["loop"], first["pid"]) == (second["loop"], second["pid"])


def test_context_variables_do_not_leak_into_the_next_invocation(shared_api: RuntimeApi) -> None:
    first, second = facts(shared_api, rest_event("/facts")), facts(shared_api, rest_event("/facts"))
    assert first["left_behind"] == second["left_behind"] == "nothing"
    assert first["request_id"] != second["request_id"]


def test_error_before_the_first_byte_is_lambdas_own(shared_api: RuntimeApi) -> None:
    error = shared_api.invoke(rest_event("/fail_early")).error()
    assert error.kind == "ValueError"
    assert error.document["errorMessage"] == "before the first byte"
    assert "in fail_early" in error.document["stackTrace"][-1]


def test_error_after_the_first_byte_is_in_the_trailers_and_the_log(
    shared_api: RuntimeApi, process: FunctionProcess
) -> None:
    invocation = shared_api.invoke(rest_event("/fail_late"))
    response = invocation.response()
    assert response.body == b"some"
    assert response.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"
    assert response.error == {
        "errorType": "ValueError",
        "errorMessage": "after the first byte\r\nwith a line break",
        "requestId": invocation.request_id,
    }
    process.wait_for_output(f"{invocation.request_id}\tthe response failed after its first byte")


def test_error_after_the_last_byte_leaves_the_response_alone(shared_api: RuntimeApi, process: FunctionProcess) -> None:
    response = get(shared_api, "/fail_after")
    assert (response.prelude["statusCode"], response.body, response.trailers) == (500, b"answered", {})
    process.wait_for_output("the app failed after its response was complete")


@pytest.mark.parametrize(
    ("path", "kind"), [("/forget", "NoResponse"), ("/leave", "AppExited"), ("/wide", "PreludeTooLarge")]
)
def test_app_without_a_usable_response_is_an_error(shared_api: RuntimeApi, path: str, kind: str) -> None:
    assert shared_api.invoke(rest_event(path)).error().kind == kind


@pytest.mark.parametrize("event", [{}, [], None, {"Records": []}, {"requestContext": {"elb": {}}, "path": "/"}])
def test_other_event_is_an_error_that_says_what_was_expected(shared_api: RuntimeApi, event: object) -> None:
    error = shared_api.invoke(event).error()
    assert error.kind == "UnsupportedEvent"
    assert "payload 1.0" in error.document["errorMessage"]


def test_app_may_go_on_after_its_response(shared_api: RuntimeApi, process: FunctionProcess) -> None:
    assert get(shared_api, "/background").body == b"first"
    process.wait_for_output("background work for http.disconnect")


@pytest.mark.parametrize("reading", [Reading.HANG_UP, Reading.REFUSE])
def test_app_learns_that_nobody_reads(shared_api: RuntimeApi, process: FunctionProcess, reading: Reading) -> None:
    before = process.output.count("told of the disconnect: ClientDisconnected")
    shared_api.invoke(rest_event("/until_disconnect"), reading=reading, read_chunks=2)
    shared_api.wait_until_idle()
    assert get(shared_api, "/cookies").body == b"yes"
    assert process.output.count("told of the disconnect: ClientDisconnected") == before + 1
    assert "the Runtime API did not take the whole response" in process.output
