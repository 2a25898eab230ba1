"""How much a request may bring, beyond what the SDK's types say."""

import base64
import json

from chatkit.types import (
    ChatKitReq,
    InputTranscribeReq,
    ItemsFeedbackReq,
    ItemsListReq,
    StructuredInputSubmission,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsListReq,
    ThreadsUpdateReq,
    UserMessageInput,
    UserMessageTagContent,
)

from chat_api import problems

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
MAX_ANSWERS = 100
"""Answers to questions at a time, and values of them: each is a line or a word of what the model is given."""


def check(request: ChatKitReq, max_characters: int, max_attachments: int) -> None:
    """Raises `Problem` 413 or 422 for too much of anything.

    A message, and what goes to the model as one does, has at most so many characters and attachments.
    """
    _check_ids(request.params)
    match request:
        case ThreadsCreateReq(params=create):
            _check_message(create.input, max_characters, max_attachments)
        case ThreadsAddUserMessageReq(params=add):
            _check_message(add.input, max_characters, max_attachments)
        case ThreadsAddClientToolOutputReq(params=output):
            if len(json.dumps(output.result).encode()) > MAX_TOOL_OUTPUT:
                raise problems.too_large(MAX_TOOL_OUTPUT, "tool's output")
        case ThreadsAddStructuredInputReq(params=given):
            _check_answers(given.input, max_characters)
        case _:
            _check_rest(request)


def _check_ids(params: object) -> None:
    ids = [getattr(params, name, None) for name in ("thread_id", "item_id", "attachment_id", "after")]
    if any(value is not None and len(value) > MAX_ID_CHARACTERS for value in ids):
        raise problems.invalid(f"An id has at most {MAX_ID_CHARACTERS} characters.")


def _check_answers(given: StructuredInputSubmission, max_characters: int) -> None:
    values = [value for answer in given.answers.values() for value in answer.values]
    if max(len(values), len(given.answers)) > MAX_ANSWERS:
        raise problems.invalid(f"There are at most {MAX_ANSWERS} answers at a time.")
    if (length := sum(map(len, values))) > max_characters:
        raise problems.invalid(f"Answers have at most {max_characters:,} characters; these have {length:,}.")


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


def _check_rest(request: ChatKitReq) -> None:
    match request:
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


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text)
    except ValueError:
        raise problems.invalid("The audio is not Base64.") from None
