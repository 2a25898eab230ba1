"""HTTP requests as Lambda events, in the two formats of the front doors."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

HttpEvent = dict[str, Any]

_HOST = "abcdef1234.execute-api.eu-central-1.amazonaws.com"
_Headers = Sequence[tuple[str, str]]


def rest_event(
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    headers: _Headers = (),
    body: str | bytes | None = None,
) -> HttpEvent:
    """A request as the REST API sends it (payload 1.0), stage `v1`; a body of bytes goes as base64."""
    lines = [("Host", _HOST), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443"), *headers]
    several: dict[str, list[str]] = {}
    for name, value in lines:
        several.setdefault(name, []).append(value)
    parameters = parse_qs(query, keep_blank_values=True)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": dict(lines),
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "path": f"/v1{path}",
            "stage": "v1",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
        },
        **_body(body),
    }


def url_event(
    path: str, *, method: str = "GET", query: str = "", headers: _Headers = (), body: str | bytes | None = None
) -> HttpEvent:
    """A request as a function URL sends it (payload 2.0); repeated headers are joined, cookies apart."""
    lines = [("host", "abcdef.lambda-url.eu-central-1.on.aws"), ("x-forwarded-proto", "https"),
             ("x-forwarded-port", "443"), *headers]  # fmt: skip
    joined: dict[str, str] = {}
    for name, value in lines:
        if name.lower() != "cookie":
            joined[name.lower()] = f"{joined[name.lower()]},{value}" if name.lower() in joined else value
    cookies = [value for name, value in lines if name.lower() == "cookie"]
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"cookies": cookies} if cookies else {}),
        "headers": joined,
        "requestContext": {
            "domainName": joined["host"],
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
                     "userAgent": "test"},
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
            "routeKey": "$default",
            "stage": "$default",
        },
        **_body(body),
    }  # fmt: skip


def _body(body: str | bytes | None) -> HttpEvent:
    if isinstance(body, bytes):
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": body, "isBase64Encoded": False}
