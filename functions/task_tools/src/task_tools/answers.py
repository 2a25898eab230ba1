"""What is answered to a request that does not reach the tools: problem documents (RFC 9457)."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse

from chatkit_aws.errors import InsufficientScope, InvalidToken, KeysUnavailable
from task_tools.body import MAX_BODY, Malformed, TooLarge
from task_tools.metadata import address_of


class Missing(InvalidToken):
    """There is no token at all."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("no token")


class ForeignOrigin(Exception):
    """A page calls that is none of those that may."""


_ANSWERS: tuple[tuple[type[Exception], HTTPStatus, str], ...] = (
    (Missing, HTTPStatus.UNAUTHORIZED, "Send an access token as `Authorization: Bearer`."),
    (InvalidToken, HTTPStatus.UNAUTHORIZED, "The access token is missing, invalid or expired."),
    (InsufficientScope, HTTPStatus.FORBIDDEN, "The access token lacks the scope."),
    (KeysUnavailable, HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a moment."),
    (ForeignOrigin, HTTPStatus.FORBIDDEN, "This page may not call here."),
    (TooLarge, HTTPStatus.CONTENT_TOO_LARGE, f"The request is larger than {MAX_BODY:,} bytes."),
    (Malformed, HTTPStatus.BAD_REQUEST, "The body is not a JSON-RPC message."),
)
REFUSED = tuple(kind for kind, _, _ in _ANSWERS)
"""What a request is refused for."""


def refusal(error: Exception, request: Request) -> JSONResponse:
    """The answer to one of them."""
    [(status, detail), *_] = [(status, detail) for kind, status, detail in _ANSWERS if isinstance(error, kind)]
    return problem(status, detail, _headers(error, request))


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem document."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(
        document, status.value, {"Cache-Control": "no-store", **(headers or {})}, "application/problem+json"
    )


def _headers(error: Exception, request: Request) -> dict[str, str]:
    """The challenge of RFC 6750, with the address of RFC 9728 by which a client finds where to sign in."""
    metadata = f'resource_metadata="{address_of(request)}"'
    match error:
        case Missing():
            return {"WWW-Authenticate": f"Bearer {metadata}"}
        case InvalidToken():
            return {"WWW-Authenticate": f'Bearer error="invalid_token", {metadata}'}
        case InsufficientScope():
            return {"WWW-Authenticate": f'Bearer error="insufficient_scope", {metadata}'}
        case KeysUnavailable():
            return {"Retry-After": "1"}
    return {}
