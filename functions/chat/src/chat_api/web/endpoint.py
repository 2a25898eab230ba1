"""POST /chatkit: every operation of the ChatKit protocol."""

from collections.abc import AsyncIterator

from chatkit.errors import CustomStreamError
from chatkit.server import NonStreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ErrorEvent, is_streaming_req
from fastapi import APIRouter, Request
from fastapi.responses import Response

from chat_api import problems, quotas
from chat_api.operation import MAX_AUDIO_BODY, Operation, parse
from chat_api.runs.follower import Follower
from chat_api.runs.turn import Turn
from chat_api.services import Services
from chat_api.texts import mark, say
from chat_api.turns import Turns
from chat_api.web.claims import HEADER, claim_of
from chat_api.web.identity import Caller
from chat_api.web.links import Links
from chat_api.web.responses import EventResponse, TurnResponse
from chat_api.wire import event_of
from chat_api.words import Words
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import AlreadyAnswered
from chatkit_aws.ids import is_own
from chatkit_aws.record import Record
from chatkit_aws.runs import Busy, Claim, Repeated
from chatkit_aws.usage import QuotaReached

router = APIRouter()

_TRIES = 5
"""How often a request tries to begin."""
_BUSY = mark("An answer is still being written here. Stop it, or wait for its end.")
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@router.post("/chatkit")
async def chatkit(request: Request, caller: Caller) -> Response:
    """Carry out one operation: JSON, or server-sent events where the operation starts a turn.

    Everything that can be refused is refused before the status line; ChatKit.js takes a 4xx as final, and repeats a
    request that ends with a 5xx or with a broken stream.
    """
    services: Services = request.app.state.services
    limits = services.limits
    operation = parse(await read(request), limits.max_message_characters, limits.max_message_attachments)
    if operation.message is not None:
        services.choices.check(operation.message.inference_options, caller.locale)
    record: Record = request.state.record
    record.operation = operation.type
    record.thread = operation.thread_id if is_own(operation.thread_id) else None
    if is_streaming_req(operation.request):
        return await _answer(services, operation, caller, request.headers.get(HEADER))
    try:
        await services.server.check(operation, caller)
        result = await services.server.process(operation.body, caller)
    except (NotFoundError, AlreadyAnswered):
        raise
    except CustomStreamError as refused:
        raise problems.invalid(say(caller.locale, refused.message)) from refused
    assert isinstance(result, NonStreamingResult)  # noqa: S101 - for the type checker
    return Response(await Links(services.images, caller).in_json(result.json), headers=_JSON)


async def _answer(services: Services, operation: Operation, caller: RequestContext, run: str | None) -> Response:
    """The events of the turn that an operation starts, or of the one that it repeats."""
    claim = claim_of(operation, run, caller)
    try:
        turn, first = await _begun(services.turns, operation, claim, caller)
    except Repeated as repeated:
        follower = Follower(services.turns.runs, repeated.lease, Words.of(caller), claim.run_id)
        # Asked in this order: a thread that is being created is there once its run has said so.
        if await follower.has_said():
            await services.server.store.load_thread(repeated.lease.thread.thread_id, caller)
        return following(follower, services, caller)
    except (NotFoundError, AlreadyAnswered):
        raise
    except (Busy, QuotaReached, CustomStreamError) as refused:
        return EventResponse(_one(_refusal(refused, Words.of(caller))), claim.run_id, services.pace)
    if first is None:
        raise NotFoundError("The operation has nothing to answer to.")
    events = Links(services.images, caller).in_events(turn.events(first))
    return TurnResponse(events, turn, claim.run_id, services.pace, stop_on_disconnect=services.stop_on_disconnect)


async def _begun(turns: Turns, operation: Operation, claim: Claim, caller: RequestContext) -> tuple[Turn, bytes | None]:
    """The turn and its first event, so that what fails before it is a status and not a broken 200. Raises as both do.

    It waits for the end of a run that was stopped, and tries again where the run that it repeats was refused.
    """
    for _ in range(_TRIES - 1):
        try:
            turn = await turns.begin(operation, claim, caller)
            return turn, await turn.first()
        except (Busy, Repeated) as met:
            if not await turns.may_begin(operation, claim, caller, met):
                raise
    turn = await turns.begin(operation, claim, caller)
    return turn, await turn.first()


def _refusal(refused: Busy | QuotaReached | CustomStreamError, words: Words) -> ErrorEvent:
    """Why a turn does not begin: within the stream, where ChatKit.js shows it."""
    match refused:
        case Busy():
            return words.refusal(_BUSY)
        case QuotaReached():
            return words.refusal(quotas.reached(refused, words.locale))
        case CustomStreamError():
            return words.refusal(refused.message, allow_retry=refused.allow_retry)


async def read(request: Request) -> bytes:
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


def following(follower: Follower, services: Services, caller: RequestContext, after: int = 0) -> EventResponse:
    """The events of a run that another request of the caller's began, but for the first `after`."""
    events = Links(services.images, caller).in_events(follower.events(after))
    return EventResponse(events, follower.lease.run_id, services.pace)


async def _one(event: ErrorEvent) -> AsyncIterator[bytes]:
    yield event_of(event)
