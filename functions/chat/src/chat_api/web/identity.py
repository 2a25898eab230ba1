"""Who is calling: the request's context from its token, as a FastAPI dependency."""

import logging
from typing import Annotated, cast

from fastapi import Depends, Request

from chat_api import problems
from chat_api.services import Services
from chat_api.texts import LOCALES
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import InvalidToken
from chatkit_aws.locale import negotiate
from lambda_streaming import current_invocation

logger = logging.getLogger(__name__)


async def authenticate(request: Request) -> RequestContext:
    """The context of a request with a valid token; raises the verifier's errors, or `Problem` 401 without a token."""
    services = cast("Services", request.app.state.services)
    token = _bearer(request.headers.get("authorization"))
    try:
        claims = await services.verifier.verify(token)
    except InvalidToken as error:
        logger.info("token refused: %s", error.reason)
        raise
    invocation = current_invocation.get()
    context = RequestContext(
        tenant_id=claims.tenant_id,
        user_id=claims.user_id,
        groups=claims.groups,
        locale=negotiate(request.headers.get("accept-language"), LOCALES, LOCALES[0]),
        request_id=request.state.request_id,
        trace_id=invocation.trace_id if invocation else None,
        deadline=invocation.deadline if invocation else None,
        access_token=token,
    )
    request.state.record.caller(context)
    return context


def _bearer(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750); the scheme's case does not matter."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise problems.unauthorized("Send an access token as `Authorization: Bearer`.")
    return token.strip()


Caller = Annotated[RequestContext, Depends(authenticate)]
