"""An endpoint that speaks OpenAI's moderation API: HTTP as it comes, for the application's real client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chat_testing.app import App
from chat_testing.chat_completions import CLOSE
from chat_testing.web import serving_here

type Moderated = Callable[..., App]
"""Makes the application with moderation by such an endpoint, with some settings."""

MODES = pytest.mark.parametrize("mode", ["parallel", "blocking"])
BAD = "something bad"
"""What is flagged, wherever it stands in a text."""


@dataclass
class ModerationEndpoint:
    """Flags every text with `flagged` in it, and keeps what it was asked."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    flagged: str = BAD
    answer: Response | None = None
    """What it answers instead, if anything."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Set unless verdicts are to wait."""
    holds: str = ""
    """The one text whose verdict waits until `go_on` is set again, if any."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def texts(self) -> list[str]:
        """What was to be judged, each request's as one text."""
        return ["".join(asked["input"]) for asked in self.requests]

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        asked = await request.json()
        self.requests.append(asked)
        self.keys.append(request.headers["authorization"])
        self.asked.set()
        if self.holds and self.holds in asked["input"]:
            self.go_on.clear()
        await self.go_on.wait()
        if self.answer is not None:
            return self.answer
        flags = [self.flagged in text for text in asked["input"]]
        results = [{"flagged": flag, "categories": {}, "category_scores": {}} for flag in flags]
        return JSONResponse({"id": "modr_1", "model": asked["model"], "results": results}, headers=CLOSE)


@asynccontextmanager
async def serving() -> AsyncIterator[ModerationEndpoint]:
    """Such an endpoint on this machine."""
    endpoint = ModerationEndpoint()
    endpoint.go_on.set()
    app = Starlette(routes=[Route("/v1/moderations", endpoint.serve, methods=["POST"])])
    async with serving_here(app) as endpoint.port:
        yield endpoint
        endpoint.go_on.set()
