"""A ChatKit request, checked before anything is done with it."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from chatkit.types import (
    ChatKitReq,
    InputTranscribeReq,
    ItemsFeedbackReq,
    ItemsListReq,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsListReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageTagContent,
)
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from chat_api import problems

MAX_AUDIO_BODY = 6 * 1024 * 1024
"""Bytes of a request with audio: what Lambda accepts."""
MAX_BODY = 128 * 1024
"""Bytes of any other request."""
MAX_MESSAGE = 160 * 1024
"""Bytes of a message as JSON: it fits into one row of the table."""
MAX_TOOL_OUTPUT = 16 * 1024
"""Bytes of what a page answers to a client tool, as JSON: the model is given all of it."""
MAX_PAGE = 10_000
"""The largest page that may be asked for; pages of the store are smaller. ChatKit.js asks for 9999 threads."""
MAX_ID_CHARACTERS = 256
MAX_TITLE_CHARACTERS = 200
MAX_ATTACHMENTS = 10
"""Attachments of a message, where nothing else is said."""
MAX_TAGS = 20
"""Tags of a message: each is looked up for the model."""
MAX_FEEDBACK_ITEMS = 100

_REQUEST: TypeAdapter[ChatKitReq] = TypeAdapter(ChatKitReq)


@dataclass(frozen=True, slots=True)
class Operation:
    """One valid request: as the SDK's type, and as the bytes that the SDK's server reads again."""

    request: ChatKitReq
    body: bytes

    @property
    def type(self) -> str:
        """The request's type, such as `threads.create`."""
        return self.request.type

    @property
    def thread_id(self) -> str | None:
        """The thread that the request is about, if it names one."""
        return getattr(self.request.params, "thread_id", None)

    @property
    def message(self) -> UserMessageInput | None:
        """The user's message, where the request brings one."""
        match self.request:
            case ThreadsCreateReq(params=create):
                return create.input
            case ThreadsAddUserMessageReq(params=add):
                return add.input
        return None


def parse(body: bytes, max_message_characters: int, max_attachments: int = MAX_ATTACHMENTS) -> Operation:
    """The request in `body`; raises `Problem` 400, 413 or 422 that says what is wrong, never with the input in it."""
    document = _document(body)
    # Before the types are checked: each wrong element of a long list would cost a kilobyte.
    if len(body) > MAX_BODY and document.get("type") != "input.transcribe":
        raise problems.too_large(MAX_BODY)
    try:
        request = _REQUEST.validate_json(body)
    except ValidationError as error:
        raise problems.invalid("This is not a ChatKit request.", _fields(error)) from None
    operation = Operation(request, body)
    _check_ids(operation.request.params)
    _check_limits(operation)
    _check_answers(operation.request, max_message_characters)
    if operation.message is not None:
        _check_message(operation.message, max_message_characters, max_attachments)
    return operation


def _document(body: bytes) -> dict[str, Any]:
    """JSON in UTF-8 whose strings are text: no NUL, which models refuse, and no lone surrogate."""
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise problems.malformed("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise problems.malformed("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise problems.malformed("The body is not a JSON object.")
    for text in _strings(document):
        if "\0" in text or not _is_encodable(text):
            raise problems.malformed("The body holds a NUL or a lone surrogate.")
    return document


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have (RFC 8259, 6)."""
    raise ValueError(name)


def _strings(document: dict[str, Any]) -> list[str]:
    """Every string in a JSON document, keys included, whatever its depth."""
    found: list[str] = []
    pending: list[Any] = [document]
    while pending:
        match pending.pop():
            case str() as text:
                found.append(text)
            case dict() as members:
                pending += [*members.keys(), *members.values()]
            case list() as elements:
                pending += elements
    return found


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fields(error: ValidationError) -> tuple[dict[str, str], ...]:
    """Where the request is wrong and how, without the input."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple({"field": ".".join(map(str, detail["loc"])), "message": _message(detail)} for detail in details[:20])


def _message(detail: ErrorDetails) -> str:
    """Pydantic's words, but for the one message that repeats the input."""
    return "Unknown type of request" if detail["type"] == "union_tag_invalid" else detail["msg"]


def _check_limits(operation: Operation) -> None:
    """Bounds that the SDK's types do not set."""
    match operation.request:
        case ThreadsListReq(params=page) | ItemsListReq(params=page):
            if page.limit is not None and not 0 <= page.limit <= MAX_PAGE:
                raise problems.invalid(f"limit must be between 0 and {MAX_PAGE:,}.")
        case ThreadsUpdateReq(params=change):
            if len(change.title) > MAX_TITLE_CHARACTERS:
                raise problems.invalid(f"A title has at most {MAX_TITLE_CHARACTERS} characters.")
        case InputTranscribeReq(params=audio):
            _check_base64(audio.audio_base64)
        case ItemsFeedbackReq(params=feedback):
            if len(feedback.item_ids) > MAX_FEEDBACK_ITEMS:
                raise problems.invalid(f"Feedback is for at most {MAX_FEEDBACK_ITEMS} items at a time.")


def _check_answers(request: ChatKitReq, max_characters: int) -> None:
    """Bounds of what is no message, and goes to the model as one does."""
    match request:
        case ThreadsAddClientToolOutputReq(params=output):
            if len(json.dumps(output.result).encode()) > MAX_TOOL_OUTPUT:
                raise problems.too_large(MAX_TOOL_OUTPUT, "tool's output")
        case ThreadsAddStructuredInputReq(params=given):
            values = [value for answer in given.input.answers.values() for value in answer.values]
            if (length := sum(map(len, values))) > max_characters:
                raise problems.invalid(f"Answers have at most {max_characters:,} characters; these have {length:,}.")


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text)
    except ValueError:
        raise problems.invalid("The audio is not Base64.") from None


def _check_ids(params: object) -> None:
    ids = [getattr(params, name, None) for name in ("thread_id", "item_id", "attachment_id", "after")]
    if any(value is not None and len(value) > MAX_ID_CHARACTERS for value in ids):
        raise problems.invalid(f"An id has at most {MAX_ID_CHARACTERS} characters.")


def _check_message(message: UserMessageInput, max_characters: int, max_attachments: int) -> None:
    length = sum(len(part.text) for part in message.content) + len(message.quoted_text or "")
    if length > max_characters:
        raise problems.invalid(f"A message has at most {max_characters:,} characters; this one has {length:,}.")
    if len(message.attachments) > max_attachments:
        raise problems.invalid(f"A message has at most {max_attachments} attachments.")
    if sum(isinstance(part, UserMessageTagContent) for part in message.content) > MAX_TAGS:
        raise problems.invalid(f"A message has at most {MAX_TAGS} tags.")
    # As it is stored, which may be longer than it was sent: a new thread's row is written before its message.
    if len(message.model_dump_json()) > MAX_MESSAGE:
        raise problems.too_large(MAX_MESSAGE, "message as it is stored")
    if length == 0 and not message.attachments:
        raise problems.invalid("The message is empty.")
