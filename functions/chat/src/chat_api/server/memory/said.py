"""What the user and their page have said since the last answer: what checks judge, and what goes where they refuse."""

import json
from collections.abc import Iterable, Iterator, Sequence

from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    StructuredInputItem,
    ThreadItem,
    UserMessageItem,
    UserMessageTagContent,
)


def said_in(newest_first: Iterable[ThreadItem]) -> Iterator[ThreadItem]:
    """The messages, outputs of client tools and answers to questions since the assistant's last message, newest first.

    An answer to questions, and an output, is the last of them: the assistant asked for it after all that was said
    before, which had been judged by then. What tools, notes and summaries tell is not what the user says.
    """
    for item in newest_first:
        match item:
            case AssistantMessageItem():
                return
            case UserMessageItem():
                yield item
            case ClientToolCallItem(status="completed") | StructuredInputItem(status="answered"):
                yield item
                return


def texts_of(items: Sequence[ThreadItem]) -> list[str]:
    """Their texts, oldest first."""
    return [text for item in reversed(items) for text in _texts_in(item) if text]


def unanswered(item: StructuredInputItem) -> StructuredInputItem:
    """The same questions, to be answered."""
    questions = [question.model_copy(update={"answer": None}) for question in item.inputs]
    return item.model_copy(update={"status": "pending", "inputs": questions})


def _texts_in(item: ThreadItem) -> Iterator[str]:
    match item:
        case UserMessageItem():
            yield "".join(
                f"@{part.text}" if isinstance(part, UserMessageTagContent) else part.text for part in item.content
            )
            yield item.quoted_text or ""
            yield from (attachment.name for attachment in item.attachments)
        case ClientToolCallItem(output=output):
            yield json.dumps(output, ensure_ascii=False)
        case StructuredInputItem(inputs=questions):
            for question in questions:
                yield from question.answer.values if question.answer else ()
