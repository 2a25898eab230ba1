"""One request and its response as the ASGI app sees them (ASGI HTTP spec, version 2.4)."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from lambda_streaming.asgi import AsgiApp, Message
from lambda_streaming.errors import AppExited, ClientDisconnected, IncompleteResponse, NoResponse, UnexpectedMessage
from lambda_streaming.prelude import encode_prelude, end_to_end
from lambda_streaming.request import HttpRequest

logger = logging.getLogger(__name__)

_WITHOUT_BODY = frozenset({204, 304})


class Sink(Protocol):
    """Where the parts of a body go."""

    async def write(self, part: bytes) -> None:
        """Take one part that is not empty; waits while the reader is slow; raises `ClientDisconnected`."""

    def finish(self) -> None:
        """The body is complete."""


@dataclass(frozen=True, slots=True)
class ResponseStart:
    """Status and headers, and the prelude that they make."""

    status: int
    headers: list[tuple[bytes, bytes]]
    prelude: bytes


class Phase(Enum):
    """How far the response is: nothing sent, started, last part sent."""

    REQUEST = auto()
    RESPONSE = auto()
    COMPLETE = auto()


class Exchange:
    """Runs the app for one request, in a task of its own from the moment that it is made.

    REQUEST --http.response.start--> RESPONSE --http.response.body, last--> COMPLETE; the app may go on after that, as
    background tasks do. Make it on the loop. Parts wait until a sink is attached.
    """

    def __init__(self, app: AsgiApp, request: HttpRequest) -> None:
        loop = asyncio.get_running_loop()
        self.phase = Phase.REQUEST
        self._request = request
        self._method = request.scope["method"]
        self._body: bytes | None = request.body
        self._has_body = True
        self._started: asyncio.Future[ResponseStart] = loop.create_future()
        self._sink: asyncio.Future[Sink] = loop.create_future()
        self._closed = asyncio.Event()
        self.is_disconnected = False
        self._task = loop.create_task(self._run(app))
        self._task.add_done_callback(self._on_end)

    async def started(self) -> ResponseStart:
        """Wait for the start of the response; raises what the app raised before it, or `NoResponse`."""
        return await self._started

    async def ended(self) -> BaseException | None:
        """Wait for the app; return why its response is not complete, or `None` if it is.

        What the app raises once its response is complete can only be logged.
        """
        await asyncio.wait({self._task})
        failure = _failure_of(self._task)
        if self.phase is not Phase.COMPLETE:
            return failure or self._why_incomplete()
        if failure is not None:
            logger.error("the app failed after its response was complete", exc_info=failure)
        return None

    def attach(self, sink: Sink) -> None:
        """Let the parts of the body go to `sink`."""
        self._sink.set_result(sink)

    def disconnect(self) -> None:
        """Tell the app that nobody reads the response any more."""
        self.is_disconnected = True
        self._closed.set()

    def cancel(self) -> None:
        """Cancel the app's task: its response can go nowhere."""
        self._task.cancel()

    def _why_incomplete(self) -> Exception:
        if self.is_disconnected:
            return ClientDisconnected("the app ended when nobody read its response any more")
        return IncompleteResponse("the app ended before the last part of its response")

    async def _run(self, app: AsgiApp) -> None:
        try:
            await app(self._request.scope, self._receive, self._send)
        except SystemExit as exc:  # would end the loop's thread and leave the process deaf
            raise AppExited(f"the app called sys.exit({exc.code!r})") from exc

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if not self._started.done():
            self._started.set_exception(_failure_of(task) or NoResponse("the app ended without sending a response"))
        self._closed.set()

    async def _receive(self) -> Message:
        """The body once; then nothing until the response is complete or nobody reads it."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self.phase is Phase.RESPONSE and kind == "http.response.body":
            await self._send_part(message.get("body", b""), is_last=not message.get("more_body", False))
        elif self.phase is Phase.REQUEST and kind == "http.response.start":
            self._send_start(message["status"], message.get("headers", ()))
        else:
            raise UnexpectedMessage(f"{kind} is not allowed in phase {self.phase.name.lower()}")

    def _send_start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        kept = end_to_end(headers)
        start = ResponseStart(status, kept, encode_prelude(status, kept))
        self._has_body = self._method != "HEAD" and status not in _WITHOUT_BODY
        self.phase = Phase.RESPONSE
        if not self._started.done():
            self._started.set_result(start)

    async def _send_part(self, part: bytes, *, is_last: bool) -> None:
        sink = self._sink.result() if self._sink.done() else await self._sink
        if self.is_disconnected:
            raise ClientDisconnected("the Runtime API no longer reads this response")
        if part and self._has_body:
            await sink.write(part)
        if is_last:
            self.phase = Phase.COMPLETE
            sink.finish()
            self._closed.set()


def _failure_of(task: asyncio.Task[None]) -> BaseException | None:
    if task.cancelled():
        return NoResponse("the app's task was cancelled")
    return task.exception()
