"""One streamed POST to the Runtime API: a connection of its own, one chunk and one write for each part.

Source: "Building a custom runtime for AWS Lambda", response streaming; RFC 9112 for chunks and trailers.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable

from lambda_streaming.errors import ClientDisconnected

_HEAD = (
    "POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\n"
    "Host: {address}\r\n"
    "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
    "Connection: close\r\n"
    "{invocation}\r\n"
)
_MAX_ERROR_MESSAGE = 2048
_FILLER = b"\n"


def encode_chunk(data: bytes) -> bytes:
    """One chunk on the wire; `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode_trailers(error: BaseException, request_id: str) -> bytes:
    """An error's type and its JSON in base64, as trailer lines: all that can be said after the first byte."""
    name = re.sub("[^A-Za-z0-9]", "", type(error).__name__)
    document = {"errorType": name, "errorMessage": str(error)[:_MAX_ERROR_MESSAGE], "requestId": request_id}
    body = base64.b64encode(json.dumps(document).encode())
    return (
        b"Lambda-Runtime-Function-Error-Type: Function.%b\r\n" % name.encode()
        + b"Lambda-Runtime-Function-Error-Body: %b\r\n" % body
    )


class ResponsePost(asyncio.Protocol):
    """The sink that writes to the Runtime API. An answer before the end means that it reads no more."""

    def __init__(self, request_id: str, on_disconnect: Callable[[], None]) -> None:
        self._request_id = request_id
        self._on_disconnect = on_disconnect
        self._answer = b""
        self._is_empty = True
        self._is_finished = False
        self._lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def open(
        cls, address: str, request_id: str, invocation_id: str | None, on_disconnect: Callable[[], None]
    ) -> "ResponsePost":
        """Connect to the Runtime API at `address` (`host:port`) and send the request's head; raises `OSError`."""
        host, _, port = address.rpartition(":")
        invocation = f"Lambda-Runtime-Invocation-Id: {invocation_id}\r\n" if invocation_id else ""
        _, post = await asyncio.get_running_loop().create_connection(
            lambda: cls(request_id, on_disconnect), host.strip("[]"), int(port)
        )
        head = _HEAD.format(address=address, request_id=request_id, invocation=invocation)
        post._transport.write(head.encode("latin-1"))
        return post

    def write_prelude(self, prelude: bytes) -> None:
        """Send status and headers as a chunk of their own."""
        self._transport.write(encode_chunk(prelude))

    async def write(self, part: bytes) -> None:
        """Send one part of the body; waits while the Runtime API is slow; raises `ClientDisconnected`."""
        if self._transport.is_closing():
            raise ClientDisconnected("the Runtime API closed the connection")
        self._is_empty = False
        self._transport.write(encode_chunk(part))
        if not self._writable.is_set():
            await self._writable.wait()

    def finish(self) -> None:
        """End the body. One without a byte would hang its reader on a function URL, so it gets a line feed."""
        self._end(b"")

    def fail(self, error: BaseException) -> None:
        """End the body with the error in trailers."""
        self._end(encode_trailers(error, self._request_id))

    async def answered(self) -> int | None:
        """Wait for the end of the connection; the status that the Runtime API answered with, if it did."""
        await self._lost.wait()
        found = re.match(rb"HTTP/1\.[01] (\d{3})", self._answer)
        return int(found[1]) if found else None

    def close(self) -> None:
        """Close the connection, whatever its state."""
        self._transport.abort()

    def _end(self, trailers: bytes) -> None:
        self._is_finished = True
        filler = encode_chunk(_FILLER) if self._is_empty else b""
        if not self._transport.is_closing():
            self._transport.write(filler + b"0\r\n" + trailers + b"\r\n")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio has set TCP_NODELAY on it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection makes
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect the answer."""
        self._answer += data
        if not self._is_finished:
            self._on_disconnect()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Wake all who wait; the app learns of it unless its response was complete."""
        if not self._is_finished:
            self._on_disconnect()
        self._writable.set()
        self._lost.set()

    def pause_writing(self) -> None:
        """More than asyncio's high-water mark waits to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The Runtime API has caught up."""
        self._writable.set()
