"""What the endpoint answers when it cannot serve a request: problem documents (RFC 9457), all in one table."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from chatkit.store import NotFoundError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from chatkit_aws.errors import (
    AlreadyAnswered,
    Held,
    InsufficientScope,
    InvalidToken,
    ItemTooLarge,
    KeysUnavailable,
    RecordNotFound,
    StoreUnavailable,
)
from chatkit_aws.runs import NameTaken

MEDIA_TYPE = "application/problem+json"


class Unsupported(Exception):
    """This deployment does not offer the requested operation; the message says which."""


@dataclass(eq=False)
class Problem(Exception):
    """An answer other than success: `status`, one line for a person, and what else a client may need.

    Nothing in it comes from another user, from a stack trace or from a secret.
    """

    status: HTTPStatus
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


def malformed(detail: str) -> Problem:
    """400: the body is not what it says it is."""
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def invalid(detail: str, errors: tuple[dict[str, str], ...] = ()) -> Problem:
    """422: well-formed, but not a request that can be carried out; `errors` name the fields."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def too_large(limit: int, what: str = "request") -> Problem:
    """413: the body, or what it brings, is over `limit` bytes."""
    return Problem(HTTPStatus.CONTENT_TOO_LARGE, f"The {what} is larger than {limit:,} bytes.")


def unsupported_media_type() -> Problem:
    """415: the body is not JSON."""
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request as application/json.")


def unauthorized(description: str = "The access token is missing, invalid or expired.") -> Problem:
    """401, with the challenge of RFC 6750."""
    return Problem(HTTPStatus.UNAUTHORIZED, description, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


_FORBIDDEN = Problem(
    HTTPStatus.FORBIDDEN,
    "The access token lacks the scope.",
    headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
)
_UNAVAILABLE = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Try again in a moment.", headers={"Retry-After": "1"})

_ANSWERS: tuple[tuple[type[Exception], Problem], ...] = (
    (RecordNotFound, Problem(HTTPStatus.NOT_FOUND, "There is no such entry.")),
    (NotFoundError, Problem(HTTPStatus.NOT_FOUND, "There is no such thread, item or attachment.")),
    (ClientDisconnect, malformed("The request ended before its body did.")),
    (InvalidToken, unauthorized()),
    (InsufficientScope, _FORBIDDEN),
    (KeysUnavailable, _UNAVAILABLE),
    (StoreUnavailable, _UNAVAILABLE),
    (AlreadyAnswered, Problem(HTTPStatus.CONFLICT, "This was already answered.")),
    (NameTaken, Problem(HTTPStatus.CONFLICT, "The run's name is one of another request.")),
    (Held, Problem(HTTPStatus.LOCKED, "Nothing can be deleted now: the account is under legal hold.")),
    (ItemTooLarge, Problem(HTTPStatus.CONTENT_TOO_LARGE, "The item is too large to be stored.")),
)
"""Errors that a request may end with, and the answer to each."""


def from_exception(error: Exception) -> Problem | None:
    """The answer to an error that a request ends with before anything was sent; None where it is a defect of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unsupported):
        return invalid(str(error))
    # The SDK's word for a request that the thread's state does not allow; subclasses of ValueError are something else.
    if type(error) is ValueError:
        return invalid("The thread is not in a state that allows this.")
    return next((answer for kind, answer in _ANSWERS if isinstance(error, kind)), None)


def response(problem: Problem, request_id: str) -> JSONResponse:
    """The problem document; `request_id` is the one on every line of the log."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    headers = {"Cache-Control": "no-store", **problem.headers}
    return JSONResponse(document, problem.status.value, headers, MEDIA_TYPE)
