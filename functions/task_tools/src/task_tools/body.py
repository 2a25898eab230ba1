"""A request's body: JSON of a bounded size, read once and shown again."""

from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive

from chatkit_aws.json_object import InvalidJson, read_object

MAX_BODY = 64 * 1024
"""Bytes of a request; the longest title has 800."""


class TooLarge(Exception):
    """The body has more bytes than are read."""


class Malformed(Exception):
    """The body is no JSON object, or one that could not be kept."""


async def read(request: Request) -> bytes:
    """The body. Raises TooLarge."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise TooLarge
    return bytes(body)


def parse(body: bytes) -> dict[str, Any]:
    """The message. Raises Malformed, for what the library would take for a defect of its own too."""
    try:
        return read_object(body)  # not a list: batches went with the protocol's version 2025-06-18
    except InvalidJson:
        raise Malformed from None


def replaying(body: bytes, receive: Receive) -> Receive:
    """A `receive` that has the body once more, and then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
