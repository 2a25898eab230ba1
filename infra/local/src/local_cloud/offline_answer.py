"""What the offline model answers: a tool call if a tool is asked for, the tool's result in words, else an echo.

A title is how the message begins. Where a tool needs an id that no tool has told, one that lists things is called
before. A message that says "think" is answered after a thought.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from local_cloud.responses import Event, image_answer, text_answer, tool_call

_NAME_WORD = 4
"""Letters that a word of a tool's name must have for a message to ask for the tool by it."""

_TITLE_WORDS = 6
_SUMMARY_WORDS = 40
_ID = re.compile(r"rec_[0-9A-HJKMNP-TV-Z]{26}")

type Item = dict[str, Any]
"""A part of what the model is given."""


class Tool(BaseModel):
    """A tool that the model may call; only functions have a name and parameters."""

    type: str
    name: str = ""
    parameters: dict[str, Any] | None = None

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The parameters' JSON schemas by their names."""
        properties: dict[str, dict[str, Any]] = (self.parameters or {}).get("properties", {})
        return properties

    def words_in(self, spoken: set[str]) -> int:
        """How many of the longer words of its name are among these."""
        return sum(len(word) >= _NAME_WORD and word in spoken for word in self.name.split("_"))


class ModelRequest(BaseModel):
    """What is read of a request to the Responses API."""

    instructions: str | None = None
    input: str | list[dict[str, Any]]
    tools: list[Tool] = []
    stream: bool = False

    @property
    def is_aside(self) -> bool:
        """Whether a title or a summary is asked for, and no answer."""
        return self.wants_title or self.wants_summary

    @property
    def wants_title(self) -> bool:
        """Whether it is a title."""
        return (self.instructions or "").startswith("Write a title")

    @property
    def wants_summary(self) -> bool:
        """Whether it is a summary."""
        return (self.instructions or "").startswith("Sum up a conversation")


def answer(request: ModelRequest, paced: Callable[[Iterable[str]], Iterator[str]]) -> Iterator[Event]:
    """The events of one answer, its words at the pace of `paced`, and those of a title or a summary at once."""
    items = request.input if isinstance(request.input, list) else [{"role": "user", "content": request.input}]
    said, since = _asked(items)
    if request.wants_title:
        return text_answer(_words(re.sub(r"</?message>", "", said))[:_TITLE_WORDS])
    if request.wants_summary:
        return text_answer(_words(said)[-_SUMMARY_WORDS:])
    if _wants_image(said, since, request.tools):
        return image_answer()
    if tool := _next_tool(said, since, request.tools):
        return tool_call(tool.name, json.dumps(_arguments(tool, said, since)))
    outputs = [item.get("output") for item in since if item.get("type") == "function_call_output"]
    if outputs:
        return text_answer(paced(_words(f"The tool says: {outputs[-1]} (offline model)")))
    thought = paced(_words("The user wants a thought.")) if re.search(r"\bthink\b", said, re.IGNORECASE) else ()
    return text_answer(paced(_words(f"You said: {said} (offline model)")), thought)


def _wants_image(said: str, since: list[Item], tools: list[Tool]) -> bool:
    """Whether a message has the word, the model may make one, and has not yet."""
    may = any(tool.type == "image_generation" for tool in tools)
    has = any(item.get("type") == "image_generation_call" for item in since)
    return may and not has and re.search(r"\b(draw|image)\b", said, re.IGNORECASE) is not None


def _asked(items: list[Item]) -> tuple[str, list[Item]]:
    """What the user said last, and what came after it."""
    for index in reversed(range(len(items))):
        if items[index].get("role") == "user" and not _is_note(items[index]):
            return _text(items[index]), items[index + 1 :]
    return "", items


def _next_tool(said: str, since: list[Item], tools: list[Tool]) -> Tool | None:
    """The tool that the message asks for, unless it was called; before it one that tells the id that it needs."""
    called = {item.get("name") for item in since if item.get("type") == "function_call"}
    tool = _asked_for(said, tools)
    if tool is None or tool.name in called:
        return None
    needs_id = any(name.endswith("_id") and "anyOf" not in schema for name, schema in tool.properties.items())
    if needs_id and not _ID.search(json.dumps(since)):
        lister = next((found for found in tools if found.name.startswith("list_") and found.name not in called), None)
        return lister or tool
    return tool


def _asked_for(said: str, tools: list[Tool]) -> Tool | None:
    """The first tool of whose name the message has the most of the longer words: `current_time` by "time"."""
    spoken = set(re.findall(r"[a-z]+", said.lower()))
    functions = [tool for tool in tools if tool.type == "function"]
    best = max(functions, key=lambda tool: tool.words_in(spoken), default=None)
    return best if best and best.words_in(spoken) else None


def _arguments(tool: Tool, said: str, since: list[Item]) -> dict[str, Any]:
    """A value for each parameter of the tool's JSON schema; an id is the first that a tool has told."""
    told = _ID.search(json.dumps(since))
    arguments = {name: _argument(name, schema, said) for name, schema in tool.properties.items()}
    return {name: told[0] if told and name.endswith("_id") and value else value for name, value in arguments.items()}


def _argument(name: str, schema: dict[str, Any], said: str) -> Any:
    if "zone" in name:
        found = re.search(r"\b[A-Z]\w+/[A-Z]\w+\b", said)
        return found[0] if found else "UTC"
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date":
        return datetime.now(UTC).date().isoformat()
    if "enum" in schema.get("items", {}):
        return schema["items"]["enum"]
    if any(option.get("type") == "null" for option in schema.get("anyOf", ())):
        return None
    plain: dict[str, Any] = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "null": None}
    return schema.get("default", plain.get(schema.get("type", ""), said))


def _is_note(item: Item) -> bool:
    """Whether an item was put beside the user's messages by the assistant, in brackets, for a model to know."""
    text = _text(item)
    return text.startswith("[") and text.endswith("]")


def _text(item: Item) -> str:
    """The text of a message."""
    content = item.get("content", "")
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
