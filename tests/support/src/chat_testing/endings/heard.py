"""What a client has heard of one answer, how far it had come at a moment, and when to break in."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from chat_api.web.claims import HEADER
from chat_testing.chat import Answer

_END = b"\n\n"
_DELTA = b'"assistant_message.content_part.text_delta"'

type Phase = Literal[
    "not yet sent", "before headers", "before the first word", "in the words", "after the last word", "after the end"
]


@dataclass(slots=True)
class Heard:
    """One request and what has come of its answer; times are `time.monotonic`'s."""

    sent_at: float | None = None
    headers_at: float | None = None
    first_delta_at: float | None = None
    ended_at: float | None = None
    """When the stream ended as it should; None for one that broke off."""
    status: int = 0
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)
    body: bytearray = field(default_factory=bytearray)

    @property
    def phase(self) -> Phase:
        """How far the answer has come."""
        if self.ended_at is not None:
            return "after the end"
        if self.first_delta_at is not None:
            return "after the last word" if self.done("assistant_message") else "in the words"
        if self.headers_at is not None:
            return "before the first word"
        return "not yet sent" if self.sent_at is None else "before headers"

    @property
    def answer(self) -> Answer:
        """The events that came whole; none of an answer that is no stream."""
        end = self.body.rfind(_END) + len(_END) if self.status == 200 and _END in self.body else 0
        return Answer(self.status, self.headers, bytes(self.body[:end]))

    def done(self, item_type: str) -> list[dict[str, Any]]:
        """The items of that type which were said to be done."""
        return [item for item in self.answer.items if item["type"] == item_type]

    @property
    def is_complete(self) -> bool:
        """Whether a client like ChatKit.js is content: it repeats the request otherwise, but for a status below 500."""
        return self.ended_at is not None and self.status < 500

    async def listen(self, http: httpx2.AsyncClient, token: str, body: bytes, run: str | None = None) -> None:
        """Send the request and listen to its end; a connection that breaks is no error. `run` names the run."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        headers |= {HEADER: run} if run else {}
        self.sent_at = time.monotonic()
        with contextlib.suppress(httpx2.TransportError):
            async with http.stream("POST", "/chatkit", content=body, headers=headers) as answer:
                self.status, self.headers, self.headers_at = answer.status_code, answer.headers, time.monotonic()
                async for part in answer.aiter_raw():
                    self._take(part)
            self.ended_at = time.monotonic()

    def _take(self, part: bytes) -> None:
        self.body += part
        if self.first_delta_at is None and _DELTA in self.body:
            self.first_delta_at = time.monotonic()


@asynccontextmanager
async def listening(
    heard: Heard, http: httpx2.AsyncClient, token: str, body: bytes, run: str | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Listen meanwhile; whoever leaves this context hangs up, at once, if the answer is not over."""
    task = asyncio.create_task(heard.listen(http, token, body, run))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
