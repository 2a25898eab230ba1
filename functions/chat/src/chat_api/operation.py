"""A ChatKit request, checked before anything is done with it."""

from dataclasses import dataclass

from chatkit.types import ChatKitReq, ThreadsAddUserMessageReq, ThreadsCreateReq, UserMessageInput
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from chat_api import bounds, problems
from chatkit_aws.json_object import InvalidJson, read_object

MAX_AUDIO_BODY = 6 * 1024 * 1024
"""Bytes of a request with audio: what Lambda accepts."""
MAX_BODY = 128 * 1024
"""Bytes of any other request."""

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


def parse(body: bytes, max_message_characters: int, max_attachments: int = bounds.MAX_ATTACHMENTS) -> Operation:
    """The request in `body`; raises `Problem` 400, 413 or 422 that says what is wrong, never with the input in it."""
    try:
        document = read_object(body)
    except InvalidJson as error:
        raise problems.malformed(str(error)) from None
    # Before the types are checked: each wrong element of a long list would cost a kilobyte.
    if len(body) > MAX_BODY and document.get("type") != "input.transcribe":
        raise problems.too_large(MAX_BODY)
    try:
        request = _REQUEST.validate_json(body)
    except ValidationError as error:
        raise problems.invalid("This is not a ChatKit request.", _fields(error)) from None
    bounds.check(request, max_message_characters, max_attachments)
    return Operation(request, body)


def _fields(error: ValidationError) -> tuple[dict[str, str], ...]:
    """Where the request is wrong and how, without the input."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple({"field": ".".join(map(str, detail["loc"])), "message": _message(detail)} for detail in details[:20])


def _message(detail: ErrorDetails) -> str:
    """Pydantic's words, but for the one message that repeats the input."""
    return "Unknown type of request" if detail["type"] == "union_tag_invalid" else detail["msg"]
