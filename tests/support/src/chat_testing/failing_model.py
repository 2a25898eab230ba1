"""A model's endpoint that fails in a given way: HTTP as it comes, for the real client of the application."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

SECRET = "the user's secret"
"""What the provider's messages hold, and nobody may read."""

type Event = dict[str, Any]

_CREATED = {
    "id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m", "output": [],
    "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
}  # fmt: skip
_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}


def failed(code: str) -> Event:
    """The event of a response that failed."""
    return {"type": "response.failed", "response": {**_CREATED, "status": "failed", "error": _error(code)}}


def incomplete(reason: str) -> Event:
    """The event of a response that was cut off."""
    details = {"reason": reason}
    return {
        "type": "response.incomplete",
        "response": {**_CREATED, "status": "incomplete", "incomplete_details": details},
    }


def error(code: str) -> Event:
    """The event of an error."""
    return {"type": "error", "param": None, **_error(code)}


def _error(code: str | None) -> dict[str, str | None]:
    return {"code": code, "message": SECRET}


@dataclass
class FailingModel:
    """What the next requests are answered with, and what became of them."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    body: bytes = b""
    has_head: bool = True
    """Whether there is a response at all."""
    waits: bool = False
    """Whether `last` comes, and the connection is closed, only when `go_on` is set."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    last: bytes = b""
    is_silent: bool = False
    """Whether the connection stays open until the client has `left`; else it is closed, whole or not."""
    comment_seconds: float | None = None
    """How often a comment comes meanwhile."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    port: int = 0

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def refuse(self, status: int, code: str | None) -> None:
        """Answer with an error as OpenAI's API does, which the client is not to repeat."""
        self.status = status
        self.body = json.dumps({"error": {**_error(code), "type": "t"}}).encode()
        self.headers = {"content-type": "application/json", "x-should-retry": "false"}
        self.length = len(self.body)

    def begin(self) -> None:
        """Answer with a stream of events that has none yet."""
        self.headers = {"content-type": "text/event-stream"}

    def say(self, text: str, last: Event | None = None) -> None:
        """Begin to answer with a text, wait for `go_on`, and go on with the event `last`, if any."""
        self.begin()
        message = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        events: list[Event] = [
            {"type": "response.created", "response": _CREATED},
            {"type": "response.output_item.added", "output_index": 0, "item": _MESSAGE},
            {"type": "response.content_part.added", **message, "part": part},
            {"type": "response.output_text.delta", **message, "delta": text, "logprobs": []},
        ]
        self.body = b"".join(_sent(event, number) for number, event in enumerate(events))
        self.last = _sent(last, len(events)) if last else b""
        self.waits = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].partition(b":")[2]))
        self.requests += 1
        if self.has_head:
            writer.write(self._head() + self.body)
        if self.waits:
            await self.go_on.wait()
            writer.write(self.last)
        if self.is_silent:
            await self._stay(reader, writer)
        writer.close()

    def _head(self) -> bytes:
        headers = {"connection": "close", **self.headers}
        if self.length is not None:
            headers["content-length"] = str(self.length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Status\r\n{lines}\r\n".encode()

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leaving = asyncio.create_task(reader.read())
        while not (await asyncio.wait({leaving}, timeout=self.comment_seconds))[0]:
            writer.write(b": still here\n\n")
        self.left.set()


def _sent(event: Event, number: int) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()


@asynccontextmanager
async def serving() -> AsyncIterator[FailingModel]:
    """Such an endpoint on this machine."""
    model = FailingModel()
    server = await asyncio.start_server(model._serve, "127.0.0.1", 0)
    model.port = server.sockets[0].getsockname()[1]
    async with server:
        yield model
