"""A model's endpoint that fails in a given way: HTTP as it comes, for the real client of the application."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_CREATED = {
    "id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m", "output": [],
    "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
}  # fmt: skip
_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}


@dataclass
class FailingModel:
    """What the next requests are answered with, and how many there were."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False
    """Whether the connection stays open after the body; else it is closed, whole or not."""
    length: int | None = None
    requests: int = 0
    port: int = 0

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def refuse(self, status: int, code: str | None) -> None:
        """Answer with an error as OpenAI's API does."""
        self.status = status
        self.body = json.dumps({"error": {"message": "the user's secret", "type": "t", "code": code}}).encode()
        self.headers = {"content-type": "application/json", "x-should-retry": "false"}
        self.length = len(self.body)

    def say(self, text: str, *last: dict[str, Any]) -> None:
        """Begin to answer with a text, and go on with the events `last`; no response is completed."""
        message = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": _CREATED},
            {"type": "response.output_item.added", "output_index": 0, "item": _MESSAGE},
            {"type": "response.content_part.added", **message, "part": part},
            {"type": "response.output_text.delta", **message, "delta": text, "logprobs": []},
            *last,
        ]
        numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
        self.body = b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in numbered)
        self.headers = {"content-type": "text/event-stream"}

    def fail_response(self, code: str) -> dict[str, Any]:
        """The event of a response that failed."""
        error = {"code": code, "message": "the user's secret"}
        return {"type": "response.failed", "response": {**_CREATED, "status": "failed", "error": error}}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].partition(b":")[2]))
        self.requests += 1
        headers = dict(self.headers)
        if self.length is not None:
            headers["content-length"] = str(self.length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {self.status} Status\r\nconnection: close\r\n{lines}\r\n".encode() + self.body)
        await writer.drain()
        if self.is_silent:
            await reader.read()  # until the client has gone
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[FailingModel]:
    """Such an endpoint on this machine."""
    model = FailingModel()
    server = await asyncio.start_server(model._serve, "127.0.0.1", 0)
    model.port = server.sockets[0].getsockname()[1]
    async with server:
        yield model
