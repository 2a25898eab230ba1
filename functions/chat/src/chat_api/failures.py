"""Why an answer failed: which kind of cause, what the user is told of it, and whether trying again can help."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
import openai
from agents import exceptions as agents_errors

from chat_api.texts import mark
from chatkit_aws.errors import Held, ItemTooLarge, ModelKeyUnavailable, StoreRefused, StoreUnavailable
from chatkit_aws.record import current_record


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of cause; `kind` is for the log, `text` for the user."""

    kind: str
    text: str
    allow_retry: bool


DEADLINE = Failure("deadline", mark("The answer took too long."), allow_retry=True)
UNEXPECTED = Failure("unexpected", mark("Something went wrong."), allow_retry=True)

_SILENT = Failure("model_timeout", mark("The model did not answer in time."), allow_retry=True)
_UNREACHABLE = Failure("model_unreachable", mark("The model cannot be reached."), allow_retry=True)
_OVERLOADED = Failure("model_overloaded", mark("The model is overloaded."), allow_retry=True)
_SETUP = Failure("configuration", mark("The assistant is not set up correctly."), allow_retry=False)
_TOO_LONG = Failure("context_length", mark("This conversation is too long for the model."), allow_retry=False)
_DECLINED = Failure("model_refusal", mark("The model declined to answer this."), allow_retry=False)
_UNFIT = Failure("model_request", mark("The model could not take this request."), allow_retry=False)
_UNUSABLE = Failure("model_output", mark("The model's answer could not be used."), allow_retry=True)
_SLOW_TOOL = Failure("tool_timeout", mark("A tool did not finish in time."), allow_retry=True)
_TOOL = Failure("tool", mark("A tool failed."), allow_retry=True)
_STEPS = Failure("max_turns", mark("The answer took too many steps."), allow_retry=True)
_INPUT = Failure("guardrail_input", mark("The assistant may not answer this."), allow_retry=False)
_OUTPUT = Failure("guardrail_output", mark("The answer was withheld."), allow_retry=True)
_STORE = Failure("store", mark("The answer could not be stored."), allow_retry=True)
_STORE_FOR_GOOD = Failure("store", mark("The answer could not be stored."), allow_retry=False)
_HELD = Failure("held", mark("Nothing can be deleted here at the moment."), allow_retry=False)
_TOO_LARGE = Failure("store", mark("The answer is too long to be stored."), allow_retry=False)

_KINDS: tuple[tuple[tuple[type[BaseException], ...], Failure], ...] = (
    ((StoreUnavailable,), _STORE),
    ((StoreRefused,), _STORE_FOR_GOOD),
    ((ItemTooLarge,), _TOO_LARGE),
    ((Held,), _HELD),
    ((ModelKeyUnavailable,), _SETUP),
    ((agents_errors.ToolTimeoutError,), _SLOW_TOOL),
    ((agents_errors.MCPToolCancellationError,), _TOOL),
    ((agents_errors.UserError,), _SETUP),
    ((agents_errors.MaxTurnsExceeded,), _STEPS),
    ((agents_errors.ModelRefusalError,), _DECLINED),
    (
        (agents_errors.InputGuardrailTripwireTriggered, agents_errors.ToolInputGuardrailTripwireTriggered),
        _INPUT,
    ),
    (
        (agents_errors.OutputGuardrailTripwireTriggered, agents_errors.ToolOutputGuardrailTripwireTriggered),
        _OUTPUT,
    ),
    ((agents_errors.ModelTimeoutError, openai.APITimeoutError, httpx2.TimeoutException), _SILENT),
    ((openai.APIConnectionError, httpx2.TransportError), _UNREACHABLE),
    ((openai.RateLimitError, openai.InternalServerError, openai.ConflictError), _OVERLOADED),
    ((openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError), _SETUP),
    ((openai.APIStatusError,), _UNFIT),
    ((agents_errors.ModelBehaviorError, openai.APIError), _UNUSABLE),
    # What the client itself cannot do, as to sign a request without credentials.
    ((openai.OpenAIError,), _SETUP),
)
"""The first that fits counts: subclasses stand before their base."""

_CODES = {
    "context_length_exceeded": _TOO_LONG,
    "content_filter": _DECLINED,
    "content_policy_violation": _DECLINED,
    "invalid_prompt": _DECLINED,
    "insufficient_quota": _SETUP,
    "rate_limit_exceeded": _OVERLOADED,
    "server_error": _OVERLOADED,
}
"""What a model's provider calls it says more than the status (OpenAI's error codes)."""

_STATUSES = {
    HTTPStatus.PAYMENT_REQUIRED: _SETUP,
    HTTPStatus.REQUEST_TIMEOUT: _SILENT,
    HTTPStatus.CONTENT_TOO_LARGE: _TOO_LONG,
}
"""Statuses for which the client has no type of its own."""

_TOOL_ERRORS = ("Error running tool ", "Error invoking MCP tool ")
"""How the Agents SDK begins the message of what it raises for a tool's exception."""

_TERMINAL = "Responses stream ended with terminal event "
"""How it begins that of what it raises where the provider ends a response; the provider's code follows."""


def failure_of(error: BaseException) -> Failure:
    """The kind of failure that an exception is one of."""
    if isinstance(error, agents_errors.AgentsException) and str(error).startswith(_TOOL_ERRORS):
        return _TOOL
    if isinstance(failure := _said_by_guardrail(error), Failure):
        return failure
    # The innermost cause says most: that a key could not be read, where the client says that it got no connection.
    for link in reversed(list(chain(error))):
        if failure := _by_code(link) or _by_type(link):
            return failure
    return UNEXPECTED


def details_of(error: BaseException) -> dict[str, object]:
    """What the log may have of an exception besides its type: figures and codes, never a text."""
    for link in chain(error):
        if isinstance(link, openai.APIStatusError):
            return {"model_status": link.status_code, "model_error": link.code, "model_request": link.request_id}
    return {}


def fail(error: BaseException, failure: Failure) -> None:
    """Note, and log, that the running request failed."""
    if (record := current_record.get()) is not None:
        record.fail(error, failure.kind, **details_of(error))


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised for, each once: it may be its own cause."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and not any(link is one for one in seen):
        seen.append(link)
        yield link
        link = link.__cause__


def _said_by_guardrail(error: BaseException) -> object:
    """What a guardrail has to say of what it refused."""
    if isinstance(
        error, agents_errors.InputGuardrailTripwireTriggered | agents_errors.OutputGuardrailTripwireTriggered
    ):
        return error.guardrail_result.output.output_info
    return None


def _by_code(error: BaseException) -> Failure | None:
    if isinstance(error, openai.APIStatusError) and error.status_code in _STATUSES:
        return _STATUSES[HTTPStatus(error.status_code)]
    if isinstance(error, openai.APIError):
        return _CODES.get(error.code or "")
    if isinstance(error, agents_errors.ModelBehaviorError) and error.message.startswith(_TERMINAL):
        return next((failure for code, failure in _CODES.items() if code in error.message), None)
    return None


def _by_type(error: BaseException) -> Failure | None:
    return next((failure for kinds, failure in _KINDS if isinstance(error, kinds)), None)
