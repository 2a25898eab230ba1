"""Every request is watched from its first byte to its last: its id, its log lines, its figures, its failure."""

import uuid
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_api import problems
from chatkit_aws.record import Record
from chatkit_aws.telemetry import Telemetry
from lambda_streaming import current_invocation


class ObservationMiddleware:
    """Binds a `Record` to the request, answers what nothing else answered, and closes it when the stream ends."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        """Watch `app`."""
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        invocation = current_invocation.get()
        request_id = invocation.request_id if invocation else str(uuid.uuid4())
        async with self._telemetry.request(request_id=request_id) as record:
            scope.setdefault("state", {}).update(request_id=request_id, record=record)
            answer = _Answer(send, request_id, record)
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                if answer.has_started:
                    raise
                await _fail(error, request_id, record)(scope, receive, answer)


def _fail(error: Exception, request_id: str, record: Record) -> ASGIApp:
    """The answer to a request that raised before anything was sent; a defect of ours is logged and says nothing."""
    problem = problems.from_exception(error)
    if problem is None:
        record.fail(error)
        problem = problems.Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
    return problems.response(problem, request_id)


class _Answer:
    """The way out: adds the request's id to the headers and takes note of what is sent."""

    def __init__(self, send: Send, request_id: str, record: Record) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self._record = record
        self.has_started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            self._record.status = message["status"]
            common = [(b"x-request-id", self._request_id), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": [*message.get("headers", ()), *common]}
        elif message.get("body"):
            self._record.sent(len(message["body"]))
        await self._send(message)
