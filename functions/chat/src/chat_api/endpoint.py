"""POST /chatkit: every operation of the ChatKit protocol."""

from collections.abc import AsyncIterator

from chatkit.server import StreamingResult
from chatkit.store import NotFoundError
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from chat_api import problems
from chat_api.identity import Caller
from chat_api.operation import MAX_AUDIO_BODY, parse
from chat_api.services import Services
from chat_api.turn import Turn
from chatkit_aws.ids import is_own
from chatkit_aws.record import Record

router = APIRouter()

_EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses also collects.
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@router.post("/chatkit")
async def chatkit(request: Request, caller: Caller) -> Response:
    """Carry out one operation: JSON, or server-sent events where the operation starts a turn.

    Everything that can be refused is refused before the status line; ChatKit.js takes a 4xx as final, and repeats a
    request that ends with a 5xx or with a broken stream.
    """
    services: Services = request.app.state.services
    operation = parse(await _read(request), services.limits.max_message_characters)
    record: Record = request.state.record
    record.operation = operation.type
    record.thread = operation.thread_id if is_own(operation.thread_id) else None
    context = services.server.begin(operation, caller)
    await services.server.check(operation, context)
    result = await services.server.process(operation.body, context)
    if isinstance(result, StreamingResult):
        return await _stream(Turn(result.json_events, caller.deadline))
    return Response(result.json, headers=_JSON)


async def _read(request: Request) -> bytes:
    """The body, in JSON by its content type; raises `Problem` 413 or 415."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise problems.unsupported_media_type()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_AUDIO_BODY:
            raise problems.too_large(MAX_AUDIO_BODY)
    return bytes(body)


async def _stream(turn: Turn) -> StreamingResponse:
    """The turn's events. The first is awaited here, so that what fails before it is a status and not a broken 200."""
    first = await turn.first()
    if first is None:
        raise NotFoundError("The operation has nothing to answer to.")
    return TurnResponse(first, turn)


class TurnResponse(StreamingResponse):
    """Sends a turn's events, and ends no sooner than the turn: Lambda freezes the process when a response has ended."""

    def __init__(self, first: bytes, turn: Turn) -> None:
        """Send `first`, then the rest of `turn`."""
        super().__init__(_events(first, turn), headers=_EVENT_STREAM)
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the turn ends or nobody reads; then wait for the turn."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._turn.finished()


async def _events(first: bytes, turn: Turn) -> AsyncIterator[bytes]:
    yield first
    async for event in turn.rest():
        yield event
