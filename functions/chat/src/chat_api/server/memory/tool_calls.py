"""Calls of tools with their results, as they are kept for later turns: some together are a hidden item of the thread.

A hidden item is as any other one where it is stored, and so is deleted, expires, is exported, sealed and held as they
are, and goes with a retry. A call without its result is never kept, so that no pair can come apart.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from agents import TResponseInputItem
from chatkit.types import HiddenContextItem, ThreadItem
from openai.types.responses import ResponseFunctionToolCallParam
from openai.types.responses.response_input_item_param import FunctionCallOutput

from chat_api.server.events.wholeness import whole_text

KIND = "tool_calls"
"""What the content of such an item says that it is."""
CALL_CHARACTERS = 4_000
"""The most that is kept of a call's arguments, and of its result."""
ITEM_CHARACTERS = 16_000
"""The most that an item's results have together: each of many calls is cut to its share."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool's name, its arguments, which are a JSON object, and what the model was told that it gave."""

    name: str
    arguments: str
    result: str


def item_of(calls: Sequence[ToolCall], item_id: str, thread_id: str, created_at: datetime) -> HiddenContextItem:
    """The item that keeps these calls, in the order in which the model made them."""
    share = min(CALL_CHARACTERS, ITEM_CHARACTERS // len(calls))
    content = {"kind": KIND, "calls": [asdict(_bounded(call, share)) for call in calls]}
    return HiddenContextItem(id=item_id, thread_id=thread_id, created_at=created_at, content=content)


def are_in(item: ThreadItem) -> bool:
    """Whether an item is one of these."""
    return isinstance(item, HiddenContextItem) and isinstance(item.content, dict) and item.content.get("kind") == KIND


def calls_of(item: ThreadItem) -> list[ToolCall] | None:
    """The calls in an item; None where it is another one. Raises what a content of another make does."""
    if not isinstance(item, HiddenContextItem) or not are_in(item):
        return None
    return [ToolCall(**call) for call in item.content["calls"]]


def to_inputs(item_id: str, calls: Sequence[ToolCall]) -> list[TResponseInputItem]:
    """The calls of an item as a model is given them: each is followed by its result.

    They have ids of ours and not of the model's, which need not differ between turns. Reasoning is not kept, and what
    would tie a call to its own (the `id` of Responses) neither: a model ignores that of earlier turns, and refuses a
    call that has the one without the other.
    """
    inputs: list[TResponseInputItem] = []
    for number, call in enumerate(calls):
        call_id = f"{item_id}_{number}"
        asked = ResponseFunctionToolCallParam(
            type="function_call", call_id=call_id, name=call.name, arguments=call.arguments
        )
        inputs += [asked, FunctionCallOutput(type="function_call_output", call_id=call_id, output=call.result)]
    return inputs


def text_of(output: Any) -> str:
    """What a tool gave as text, of which images and files are no part."""
    if isinstance(output, str):
        return output
    parts = output if isinstance(output, list) else [output]
    return "\n".join(map(_text_of_part, parts))


def _text_of_part(part: Any) -> str:
    match part:
        case {"type": "input_text", "text": str(text)}:
            return text
        case {"type": str(kind)}:
            return f"[{kind.removeprefix('input_')}: not kept]"
    return json.dumps(part, ensure_ascii=False, default=str)


def _bounded(call: ToolCall, most: int) -> ToolCall:
    return ToolCall(whole_text(call.name), _arguments(whole_text(call.arguments), most), _cut(call.result, most))


def _arguments(text: str, most: int) -> str:
    """Arguments that are a JSON object in any case: some providers read them."""
    try:
        is_object = isinstance(json.loads(text or "{}"), dict)
    except ValueError:
        is_object = False
    if is_object and len(text) <= most:
        return text or "{}"
    return json.dumps({"not_kept_as_it_was": _cut(text, most)}, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return whole_text(text)
    return f"{whole_text(text[:most])}\n[cut: {len(text) - most:,} more characters are not kept]"
