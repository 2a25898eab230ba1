"""What a boto3 client really sends, seen and disturbed through botocore's own events."""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from xml.etree import ElementTree

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

type Answer = Callable[[AWSPreparedRequest], AWSResponse]
"""What takes the place of sending a request; it may raise what sending may raise."""

type Meanwhile = Callable[[AWSPreparedRequest], None]
"""What happens before a request is sent."""

_JSON = "X-Amz-Target"
"""A header of DynamoDB's and KMS's requests, which are JSON; S3's have no such header and are XML or an object."""


@dataclass
class Calls:
    """The requests of one client, in order; one that botocore repeats is there again. Only JSON is among `bodies`."""

    operations: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)


@contextlib.contextmanager
def recorded(client: BaseClient, operation: str = "*", *answers: Answer | Meanwhile) -> Iterator[Calls]:
    """Record the requests of `client` for an operation, or all; `answers` answer the first ones in place of AWS."""
    calls = Calls()
    waiting = list(answers)

    def handle(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        calls.operations.append(event_name.rpartition(".")[2])
        if _JSON in request.headers:
            calls.bodies.append(json.loads(cast("bytes", request.body)))
        calls.threads.add(threading.get_ident())
        return waiting.pop(0)(request) if waiting else None

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}".removesuffix(".*")
    handler = cast("Callable[..., None]", handle)  # the stubs know no handler that answers
    client.meta.events.register(event, handler)
    try:
        yield calls
    finally:
        client.meta.events.unregister(event, handler)


def meeting(client: BaseClient, operation: str, count: int) -> contextlib.AbstractContextManager[Calls]:
    """Hold the first requests until `count` are on their way: each has read what was there before any of them."""
    barrier = threading.Barrier(count)

    def meet(_request: AWSPreparedRequest) -> None:
        barrier.wait(10)

    return recorded(client, operation, *[meet] * count)


def error(code: str, status: int = 400, **details: Any) -> Answer:
    """The service does not carry out the request and says why, in its own format."""

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        body = _json_error(code, details) if _JSON in request.headers else _xml_error(code, details)
        return _response(request, status, body)

    return answer


def cancelled(*codes: str) -> Answer:
    """A transaction is cancelled, each of its parts for a reason of `codes`; `None` is a part that had none."""
    return error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def answered(body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """The service answers so; a `Content-Length` that promises more bytes is an answer that breaks off."""
    return lambda request: _response(request, 200, body, headers or {})


def broken(cause: Exception) -> Answer:
    """The request does not arrive."""

    def answer(_request: AWSPreparedRequest) -> AWSResponse:
        raise cause

    return answer


def lost(request: AWSPreparedRequest) -> AWSResponse:
    """The request is carried out and its answer is lost on the way."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def _response(
    request: AWSPreparedRequest, status: int, body: bytes, headers: dict[str, str] | None = None
) -> AWSResponse:
    sent = HTTPHeaders()
    for name, value in (headers or {}).items():
        sent[name] = value
    return AWSResponse(request.url, status, sent, HTTPResponse(io.BytesIO(body), headers, preload_content=False))


def _json_error(code: str, details: dict[str, Any]) -> bytes:
    return json.dumps({"__type": f"com.amazonaws.service#{code}", "message": "told by a test", **details}).encode()


def _xml_error(code: str, details: dict[str, Any]) -> bytes:
    root = ElementTree.Element("Error")
    for name, value in {"Code": code, "Message": "told by a test", **details}.items():
        ElementTree.SubElement(root, name).text = str(value)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
