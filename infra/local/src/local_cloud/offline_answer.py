"""What the offline model answers: a tool call if a tool is asked for, the tool's result in words, else an echo.

A title is how the message begins.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from local_cloud.responses import Event, text_answer, tool_call

_NAME_WORD = 4
"""Letters that a word of a tool's name must have for a message to ask for the tool by it."""

_TITLE_WORDS = 6


class Tool(BaseModel):
    """A tool that the model may call; only functions have a name and parameters."""

    type: str
    name: str = ""
    parameters: dict[str, Any] | None = None


class ModelRequest(BaseModel):
    """What is read of a request to the Responses API."""

    instructions: str | None = None
    input: str | list[dict[str, Any]]
    tools: list[Tool] = []
    stream: bool = False

    @property
    def wants_title(self) -> bool:
        """Whether a title is asked for, and no answer."""
        return (self.instructions or "").startswith("Write a title")


def answer(request: ModelRequest, paced: Callable[[Iterable[str]], Iterator[str]]) -> Iterator[Event]:
    """The events of one answer, its words at the pace of `paced`, and those of a title at once."""
    items = request.input if isinstance(request.input, list) else [{"role": "user", "content": request.input}]
    last = next((item for item in reversed(items) if not _is_note(item)), {})
    if last.get("type") == "function_call_output":
        return text_answer(paced(_words(f"The tool says: {last.get('output')} (offline model)")))
    said = _text(last)
    if request.wants_title:
        return text_answer(_words(re.sub(r"</?message>", "", said))[:_TITLE_WORDS])
    if tool := _asked_for(said, request.tools):
        return tool_call(tool.name, json.dumps(_arguments(tool, said)))
    return text_answer(paced(_words(f"You said: {said} (offline model)")))


def _asked_for(said: str, tools: list[Tool]) -> Tool | None:
    """The first tool of whose name the message has a longer word: `current_time` by "time"."""
    spoken = set(re.findall(r"[a-z]+", said.lower()))
    for tool in tools:
        if tool.type == "function" and any(len(word) >= _NAME_WORD and word in spoken for word in tool.name.split("_")):
            return tool
    return None


def _arguments(tool: Tool, said: str) -> dict[str, Any]:
    """A value for each parameter of the tool's JSON schema."""
    properties: dict[str, dict[str, Any]] = (tool.parameters or {}).get("properties", {})
    return {name: _argument(name, schema, said) for name, schema in properties.items()}


def _argument(name: str, schema: dict[str, Any], said: str) -> Any:
    if "zone" in name:
        found = re.search(r"\b[A-Z]\w+/[A-Z]\w+\b", said)
        return found[0] if found else "UTC"
    if "enum" in schema:
        return schema["enum"][0]
    if any(option.get("type") == "null" for option in schema.get("anyOf", ())):
        return None
    plain: dict[str, Any] = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "null": None}
    return schema.get("default", plain.get(schema.get("type", ""), said))


def _is_note(item: dict[str, Any]) -> bool:
    """Whether an item was put beside the user's messages by the assistant, in brackets, for a model to know."""
    text = _text(item)
    return text.startswith("[") and text.endswith("]")


def _text(item: dict[str, Any]) -> str:
    """The text of a message."""
    content = item.get("content", "")
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)
