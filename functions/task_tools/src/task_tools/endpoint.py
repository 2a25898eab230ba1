"""POST /mcp: one message, of somebody with a token, in an answer of its own."""

import logging
import uuid
from dataclasses import dataclass
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from chatkit_aws.context import RequestContext
from chatkit_aws.errors import InvalidToken
from chatkit_aws.identity import TokenVerifier
from chatkit_aws.record import Record
from chatkit_aws.telemetry import Telemetry
from lambda_streaming import current_invocation
from task_tools import body
from task_tools.answers import REFUSED, ForeignOrigin, Missing, refusal

logger = logging.getLogger(__name__)

_METHODS = ("initialize", "ping", "tools/list", "tools/call")
"""What the log names; anything else may be any text."""


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """An ASGI application: checks who calls and what is sent, and leaves the rest to the MCP server."""

    manager: StreamableHTTPSessionManager
    verifier: TokenVerifier
    telemetry: Telemetry
    allowed_origins: tuple[str, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; nothing of it is kept."""
        invocation = current_invocation.get()
        request_id = invocation.request_id if invocation else str(uuid.uuid4())
        async with self.telemetry.request(request_id=request_id) as record:
            sending, request = _noting(send, record), Request(scope, receive)
            try:
                self._check_origin(request)
                caller = await self._authenticate(request, record)
                sent = await body.read(request)
                record.operation = _operation(body.parse(sent))
            except REFUSED as error:
                await refusal(error, request)(scope, receive, sending)
                return
            # A copy: a server may hand the same state to every request.
            known = {**scope, "state": {**scope.get("state", {}), "caller": caller}}
            await self.manager.handle_request(known, body.replaying(sent, receive), sending)

    def _check_origin(self, request: Request) -> None:
        """Browsers send an origin, and other clients none (MCP, "Security Warning"). Raises ForeignOrigin."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in self.allowed_origins:
            raise ForeignOrigin

    async def _authenticate(self, request: Request, record: Record) -> RequestContext:
        """Who calls, from the token alone. Raises as the verifier does."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Missing
        try:
            claims = await self.verifier.verify(token.strip())
        except InvalidToken as error:
            logger.info("token refused: %s", error.reason)
            raise
        caller = RequestContext(claims.tenant_id, claims.user_id, claims.groups, "en", record.request_id)
        record.caller(caller)
        return caller


def _operation(message: dict[str, Any]) -> str:
    method = message.get("method")
    return f"mcp:{method}" if method in _METHODS else "mcp:other"


def _noting(send: Send, record: Record) -> Send:
    """The way out, which takes note of what is sent."""
    common = [(b"x-request-id", record.request_id.encode()), (b"x-content-type-options", b"nosniff")]

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            record.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *common, (b"cache-control", b"no-store")]}
        elif message.get("body"):
            record.sent(len(message["body"]))
        await send(message)

    return noted
