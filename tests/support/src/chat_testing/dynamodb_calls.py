"""What a boto3 client really sends, seen and disturbed through botocore's own events."""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from types_boto3_dynamodb.client import DynamoDBClient
from urllib3 import HTTPResponse

type Answer = Callable[[AWSPreparedRequest], AWSResponse]
"""What takes the place of sending a request; it may raise what sending may raise."""


@dataclass
class Calls:
    """The requests of one client, in order; one that botocore repeats is there again."""

    operations: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)


@contextlib.contextmanager
def recorded(client: DynamoDBClient, operation: str = "*", *answers: Answer) -> Iterator[Calls]:
    """Record the requests of `client` for an operation, or all; `answers` answer the first ones in DynamoDB's place."""
    calls = Calls()
    waiting = list(answers)

    def handle(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        calls.operations.append(event_name.rpartition(".")[2])
        calls.bodies.append(json.loads(cast("bytes", request.body)))
        calls.threads.add(threading.get_ident())
        return waiting.pop(0)(request) if waiting else None

    event = f"before-send.dynamodb.{operation}".removesuffix(".*")
    handler = cast("Callable[..., None]", handle)  # the stubs know no handler that answers
    client.meta.events.register(event, handler)
    try:
        yield calls
    finally:
        client.meta.events.unregister(event, handler)


def error(code: str, status: int = 400, **details: Any) -> Answer:
    """DynamoDB does not carry out the request and says why."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "told by a test", **details}

    def answer(request: AWSPreparedRequest) -> AWSResponse:
        raw = HTTPResponse(io.BytesIO(json.dumps(body).encode()), preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    return answer


def cancelled(*codes: str) -> Answer:
    """A transaction is cancelled, each of its parts for a reason of `codes`; `None` is a part that had none."""
    return error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def broken(cause: Exception) -> Answer:
    """The request does not arrive."""

    def answer(_request: AWSPreparedRequest) -> AWSResponse:
        raise cause

    return answer


def lost(request: AWSPreparedRequest) -> AWSResponse:
    """The request is carried out and its answer is lost on the way."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)
