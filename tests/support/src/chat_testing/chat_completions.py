"""An endpoint that speaks OpenAI's Chat Completions by script: HTTP as it comes, for the application's real client."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chat_testing.web import serving_here

type Part = dict[str, Any]

CLOSE = {"connection": "close"}
"""No connection outlives a test: the client keeps those that it may."""

USAGE: Part = {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35}
SILENT: Part = {"silent": True}
"""A part after which nothing comes, and the connection stays open."""


def text(words: str) -> Part:
    """Some words of a message."""
    return _delta({"role": "assistant", "content": words})


def tool_call(name: str, arguments: str) -> Part:
    """A call of a tool, or a piece of its arguments where it has no name."""
    call: Part = {"index": 0, "function": {"arguments": arguments}}
    if name:
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return _delta({"tool_calls": [call]})


def end(reason: str = "stop") -> Part:
    """The last part of a message, with why it ends."""
    return {**_delta({}), "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def usage(**details: Any) -> Part:
    """What was used, which a stream tells only where it is asked to."""
    return {**_delta({}), "choices": [], "usage": {**USAGE, **details}}


def _delta(delta: Part) -> Part:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c_1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@dataclass
class ChatCompletions:
    """What the next requests are answered with, and what they asked."""

    script: deque[list[Part]] = field(default_factory=deque)
    """The parts of each streamed answer."""
    whole: str = "A whole answer"
    """What requests are answered with that want no stream."""
    requests: list[Part] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """What each had for `Authorization`."""
    port: int = 0

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, *parts: Part) -> None:
        """Answer the next request with a stream of these parts."""
        self.script.append(list(parts))

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        asked = await request.json()
        self.requests.append(asked)
        self.keys.append(request.headers["authorization"])
        if not asked.get("stream"):
            message = {"role": "assistant", "content": self.whole}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            completion = {**_delta({}), "object": "chat.completion", "choices": [choice], "usage": USAGE}
            return JSONResponse(completion, headers=CLOSE)
        wants_usage = (asked.get("stream_options") or {}).get("include_usage")
        parts = [part for part in self.script.popleft() if wants_usage or "usage" not in part]
        return StreamingResponse(_lines(parts), media_type="text/event-stream", headers=CLOSE)


async def _lines(parts: list[Part]) -> AsyncIterator[str]:
    for part in parts:
        if part is SILENT:
            await asyncio.Event().wait()
        yield f"data: {json.dumps(part)}\n\n"
    yield "data: [DONE]\n\n"


@asynccontextmanager
async def serving() -> AsyncIterator[ChatCompletions]:
    """Such an endpoint on this machine."""
    model = ChatCompletions()
    app = Starlette(routes=[Route("/v1/chat/completions", model.serve, methods=["POST"])])
    async with serving_here(app) as model.port:
        yield model
