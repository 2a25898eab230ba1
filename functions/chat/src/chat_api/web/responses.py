"""Answers that are server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from chat_api.pacing import Pace, paced
from chat_api.runs.turn import Turn
from chat_api.web.claims import HEADER

_EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses also collects.
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class EventResponse(StreamingResponse):
    """Server-sent events, and the name of the run that they are of."""

    def __init__(self, events: AsyncIterator[bytes], run_id: str, pace: Pace) -> None:
        """Send `events` as they come, at that pace."""
        self._parts = paced(events, pace)
        super().__init__(self._parts, headers={**_EVENT_STREAM, HEADER: run_id})

    async def stream_response(self, send: Send) -> None:
        """Send them; where nobody reads any more they are closed, which Starlette leaves to the garbage collector."""
        async with aclosing(self._parts):
            await super().stream_response(send)


class TurnResponse(EventResponse):
    """Sends a turn's events, and ends no sooner than the turn: Lambda freezes the process when a response has ended."""

    def __init__(
        self, events: AsyncIterator[bytes], turn: Turn, run_id: str, pace: Pace, *, stop_on_disconnect: bool = False
    ) -> None:
        """Send the `events` of `turn`, which the client's leaving stops or does not."""
        super().__init__(events, run_id, pace)
        self._turn = turn
        self._stop_on_disconnect = stop_on_disconnect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the turn ends or nobody reads; then wait for the turn."""
        watch = asyncio.create_task(self._watch(receive)) if self._stop_on_disconnect else None
        try:
            await super().__call__(scope, receive, send)
        except ClientDisconnect:
            self._leave()
            raise
        finally:
            await self._turn.finished()
            if watch is not None:
                watch.cancel()

    async def _watch(self, receive: Receive) -> None:
        """Wait for the client to leave. Starlette does not where the server speaks ASGI 2.4, and need not send then."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if self._stop_on_disconnect:
            self._turn.stop("stopped")
