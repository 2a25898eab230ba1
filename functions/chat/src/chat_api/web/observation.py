"""Every request is watched from its first byte to its last: its id, its log lines, its figures."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatkit_aws.record import Record
from chatkit_aws.telemetry import Telemetry
from lambda_streaming import current_invocation


class ObservationMiddleware:
    """Binds a `Record` to the request, as `state.record`, and closes it when the answer has been sent."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        """Watch `app`."""
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; its id is Lambda's where there is one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        invocation = current_invocation.get()
        request_id = invocation.request_id if invocation else str(uuid.uuid4())
        async with self._telemetry.request(request_id=request_id) as record:
            # A copy: the server may hand the same state to every request.
            watched = {**scope, "state": {**scope.get("state", {}), "request_id": request_id, "record": record}}
            await self._app(watched, receive, _noting(send, record))


def _noting(send: Send, record: Record) -> Send:
    """The way out, which adds the request's id to the headers and takes note of what is sent."""
    common = [(b"x-request-id", record.request_id.encode()), (b"x-content-type-options", b"nosniff")]

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            record.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *common]}
        elif message.get("body"):
            record.sent(len(message["body"]))
        await send(message)

    return noted
