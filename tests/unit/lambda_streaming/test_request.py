from typing import Any

import pytest

from chat_testing.http_events import rest_event, url_event
from lambda_streaming.errors import UnsupportedEvent
from lambda_streaming.request import request_from

both_front_doors = pytest.mark.parametrize("make_event", [rest_event, url_event])


@both_front_doors
def test_scope_follows_the_asgi_specification(make_event: Any, context: Any) -> None:
    event = make_event("/a%20b", method="POST", query="x=1", body="{}")
    scope = request_from(event, context).scope
    assert scope["type"] == "http"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert (scope["method"], scope["path"], scope["raw_path"]) == ("POST", "/a b", b"/a%20b")
    assert (scope["query_string"], scope["scheme"], scope["root_path"]) == (b"x=1", "https", "")
    assert scope["client"] == ("203.0.113.7", 0)
    assert scope["server"][1] == 443
    assert all(isinstance(part, bytes) for line in scope["headers"] for part in line)
    assert scope["aws.event"] is event
    assert scope["aws.context"] is context


def test_unknown_client_address_is_no_client(context: Any) -> None:
    event = rest_event("/")
    event["requestContext"]["identity"]["sourceIp"] = None
    assert request_from(event, context).scope["client"] is None


def test_rest_event_without_multi_value_headers_has_its_headers(context: Any) -> None:
    event = rest_event("/", headers=[("X-One", "1")]) | {"multiValueHeaders": None}
    assert (b"x-one", b"1") in request_from(event, context).scope["headers"]


def test_rest_event_without_any_headers_has_none(context: Any) -> None:
    event = rest_event("/") | {"multiValueHeaders": None, "headers": None}
    assert request_from(event, context).scope["headers"] == []


@both_front_doors
@pytest.mark.parametrize(("value", "octets"), [("caf\u00e9", b"caf\xe9"), ("\u65e5", b"\xe6\x97\xa5")])
def test_header_value_is_latin_1_where_it_fits(make_event: Any, context: Any, value: str, octets: bytes) -> None:
    headers = request_from(make_event("/", headers=[("x-name", value)]), context).scope["headers"]
    assert (b"x-name", octets) in headers


def test_cookies_of_a_function_url_are_one_header(context: Any) -> None:
    event = url_event("/", headers=[("Cookie", "a=1"), ("Cookie", "b=2")])
    assert (b"cookie", b"a=1; b=2") in request_from(event, context).scope["headers"]


@both_front_doors
@pytest.mark.parametrize(
    ("body", "octets"),
    [("\u00fc", b"\xc3\xbc"), (b"\xff\x00", b"\xff\x00"), (None, b""), ("a\ud800", b"a\xed\xa0\x80")],
)
def test_body_is_its_octets(make_event: Any, context: Any, body: Any, octets: bytes) -> None:
    assert request_from(make_event("/", method="POST", body=body), context).body == octets


@pytest.mark.parametrize(
    "event",
    [
        None,
        "text",
        {},
        {"version": "0", "source": "aws.events", "detail": {}},
        {"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/"},
        {"requestContext": {"routeKey": "$connect"}, "headers": {}},
        {"version": "2.0", "type": "REQUEST", "requestContext": {}},
    ],
)
def test_other_event_is_refused_with_what_was_expected(event: Any, context: Any) -> None:
    with pytest.raises(UnsupportedEvent, match=r"payload 1\.0.*payload 2\.0.*got"):
        request_from(event, context)
