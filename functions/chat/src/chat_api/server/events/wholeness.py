"""Texts that are whole: no half of a character that takes two units of UTF-16, which cannot be written in UTF-8.

A model's endpoint may cut a text between the two.
"""

from chatkit.types import (
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)


def whole(event: ThreadStreamEvent) -> ThreadStreamEvent:
    """The event with halves of characters in the assistant's words replaced; the very same one where there is none."""
    match event:
        case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta) as update):
            if (text := whole_text(delta)) != delta:
                return event.model_copy(update={"update": update.model_copy(update={"delta": text})})
        case ThreadItemUpdatedEvent(update=AssistantMessageContentPartDone(content=content) as update):
            if (text := whole_text(content.text)) != content.text:
                part = content.model_copy(update={"text": text})
                return event.model_copy(update={"update": update.model_copy(update={"content": part})})
        case ThreadItemDoneEvent(item=AssistantMessageItem() as item):
            parts = [part.model_copy(update={"text": whole_text(part.text)}) for part in item.content]
            if parts != item.content:
                return event.model_copy(update={"item": item.model_copy(update={"content": parts})})
    return event


def whole_text(text: str) -> str:
    """The text, with halves of characters replaced."""
    if text.isascii():
        return text
    # Two halves that belong together are one character afterwards.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
