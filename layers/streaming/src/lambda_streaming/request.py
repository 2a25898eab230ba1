"""The event as an ASGI scope and body: Mangum's event handlers, with what they get wrong put right."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mangum.handlers import APIGateway, HTTPGateway
from mangum.types import LambdaConfig, LambdaContext, LambdaEvent, Scope

from lambda_streaming.errors import UnsupportedEvent

ProxyResponse = dict[str, Any]
"""A whole response as Lambda's proxy integrations read it; its keys depend on the event's payload version."""

ASGI_VERSIONS = {"version": "3.0", "spec_version": "2.4"}
"""2.4: `send` raises `OSError` once nobody reads any more."""

# Any type may be text: Mangum then sends a body as it is where it is UTF-8. Its own list lacks types such as
# application/problem+json, and a REST API hands base64 on undecoded unless it knows the type as binary.
_CONFIG = LambdaConfig(api_gateway_base_path="/", text_mime_types=[""], exclude_headers=[])
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, and the form in which its whole response would go back."""

    scope: Scope
    body: bytes
    proxy: APIGateway | HTTPGateway

    def proxy_response(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> ProxyResponse:
        """A whole response in the format of the event's payload version; a body that is no UTF-8 text as base64."""
        texts = [[name, value.decode("latin-1").encode()] for name, value in headers]
        return self.proxy({"status": status, "headers": texts, "body": body})


def request_from(event: LambdaEvent, context: LambdaContext) -> HttpRequest:
    """Read an event of API Gateway (payload 1.0) or of a function URL (2.0); raises `UnsupportedEvent`."""
    proxy = _proxy_for(event, context)
    scope = proxy.scope
    host, _ = scope["client"]
    scope.update(
        headers=list(_headers(event)),
        raw_path=quote(event.get("rawPath") or event.get("path") or "/", safe=_PATH_CHARACTERS).encode(),
        client=scope["client"] if host else None,
        asgi=ASGI_VERSIONS,
    )
    return HttpRequest(scope, _body(event, proxy), proxy)


def _proxy_for(event: object, context: LambdaContext) -> APIGateway | HTTPGateway:
    if isinstance(event, dict) and isinstance(event.get("requestContext"), dict):
        if event.get("version") == "2.0" and "http" in event["requestContext"]:
            return HTTPGateway(event, context, _CONFIG)
        if "resource" in event and "httpMethod" in event:
            return APIGateway(event, context, _CONFIG)
    raise UnsupportedEvent(event)


def _headers(event: LambdaEvent) -> Iterator[tuple[bytes, bytes]]:
    """Every header line of its own; payload 2.0 has joined them already, cookies apart."""
    several: dict[str, list[str]] = {name.lower(): [value] for name, value in (event.get("headers") or {}).items()}
    several.update({name.lower(): values for name, values in (event.get("multiValueHeaders") or {}).items()})
    if event.get("cookies"):
        several["cookie"] = ["; ".join(event["cookies"])]
    for name, values in several.items():
        for value in values:
            yield name.encode(), _octets(value)


def _octets(value: str) -> bytes:
    """A header's value as its octets: Latin-1 where it fits, as HTTP has it."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _body(event: LambdaEvent, proxy: APIGateway | HTTPGateway) -> bytes:
    """The body's bytes; a lone surrogate becomes the invalid UTF-8 that it stands for, for the app to refuse."""
    try:
        return proxy.body
    except UnicodeEncodeError:
        return str(event["body"]).encode("utf-8", "surrogatepass")
