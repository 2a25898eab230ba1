"""What a model thinks before it speaks, where its endpoint sends both as one text, with the thoughts between tags.

Amazon Bedrock does so with gpt-oss behind Chat Completions, and some servers of open models. The thoughts become
`reasoning_content`, which the Agents SDK knows.
"""

from collections.abc import AsyncIterator

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice

OPENINGS = ("<reasoning>", "<think>")


class Separation:
    """Tells thoughts from words in one text that comes in pieces; thoughts stand before all words or are none."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._held = ""
        self._closing = ""
        self._has_thoughts = False
        self._has_words = False

    def split(self, piece: str, *, is_last: bool = False) -> tuple[str, str]:
        """The thoughts and the words that are certain by now; what may become a tag is held back."""
        text, self._held = self._held + piece, ""
        thoughts = ""
        while text and not self._has_words:
            if self._closing:
                more, text = self._thoughts(text, is_last=is_last)
                thoughts += more
            elif (opening := _opening(text)) is not None:
                self._closing, self._has_thoughts = f"</{opening[1:]}", True
                text = text.lstrip().removeprefix(opening)
            elif not is_last and _may_open(text):
                self._held, text = text, ""
            else:
                self._has_words = True
                text = text.lstrip() if self._has_thoughts else text
        return thoughts, text

    def _thoughts(self, text: str, *, is_last: bool) -> tuple[str, str]:
        """What is thought, and what comes after it."""
        thoughts, tag, rest = text.partition(self._closing)
        if tag:
            self._closing = ""
            return thoughts, rest
        certain = len(text) if is_last else len(text) - _tail(text, self._closing)
        self._held = text[certain:]
        return text[:certain], ""


async def separated(chunks: AsyncIterator[ChatCompletionChunk]) -> AsyncIterator[ChatCompletionChunk]:
    """A streamed answer with its thoughts apart."""
    separation = Separation()
    async for chunk in chunks:
        choices = [_separated(choice, separation) for choice in chunk.choices]
        yield chunk.model_copy(update={"choices": choices}) if choices else chunk


def _separated(choice: Choice, separation: Separation) -> Choice:
    delta, is_last = choice.delta, choice.finish_reason is not None
    if delta.content is None and not is_last:
        return choice
    thoughts, words = separation.split(delta.content or "", is_last=is_last)
    changes = {"content": words or None} | ({"reasoning_content": thoughts} if thoughts else {})
    return choice.model_copy(update={"delta": delta.model_copy(update=changes)})


def whole(completion: ChatCompletion) -> ChatCompletion:
    """An answer that came at once, likewise."""
    for choice in completion.choices or ():
        if choice.message.content:
            thoughts, words = Separation().split(choice.message.content, is_last=True)
            changes = {"content": words or None} | ({"reasoning_content": thoughts} if thoughts else {})
            choice.message = choice.message.model_copy(update=changes)
    return completion


def _opening(text: str) -> str | None:
    return next((opening for opening in OPENINGS if text.lstrip().startswith(opening)), None)


def _may_open(text: str) -> bool:
    return any(opening.startswith(text.lstrip()) for opening in OPENINGS)


def _tail(text: str, tag: str) -> int:
    """How many of the last characters may be the beginning of the tag."""
    return next((size for size in range(len(tag) - 1, 0, -1) if text.endswith(tag[:size])), 0)
