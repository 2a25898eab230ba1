"""Answers of a model in the events of OpenAI's Responses API, as far as the Agents SDK reads them."""

import uuid
from collections.abc import Generator, Iterable, Iterator
from typing import Any

Event = dict[str, Any]

_POINT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC"
"""A PNG of one red point."""


def text_answer(words: Iterable[str], thought: Iterable[str] = ()) -> Iterator[Event]:
    """A message, one delta for each word; `words` may be slow. A `thought` is the summary of reasoning before it."""
    response, before = _response(), list[Event]()
    yield {"type": "response.created", "response": response}
    if thought:
        before = [(yield from _reasoning(thought))]
    item = {"id": f"msg_{uuid.uuid4().hex}", "type": "message", "role": "assistant"}
    place = {"item_id": item["id"], "output_index": len(before), "content_index": 0}
    yield _item("added", {**item, "status": "in_progress", "content": []}, len(before))
    yield {"type": "response.content_part.added", **place, "part": _part("")}
    text = ""
    for word in words:
        text += word
        yield {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _part(text)}
    done = {**item, "status": "completed", "content": [_part(text)]}
    yield _item("done", done, len(before))
    yield _completed(response, [*before, done], len(text.split()))


def _reasoning(words: Iterable[str]) -> Generator[Event, None, Event]:
    """Reasoning with a summary, one delta for each word; the item is given back."""
    item: Event = {"id": f"rs_{uuid.uuid4().hex}", "type": "reasoning", "summary": []}
    place = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
    yield _item("added", item)
    yield {"type": "response.reasoning_summary_part.added", **place, "part": _summary("")}
    text = ""
    for word in words:
        text += word
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": word}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **place, "part": _summary(text)}
    done = {**item, "summary": [_summary(text)]}
    yield _item("done", done)
    return done


def tool_call(name: str, arguments: str) -> Iterator[Event]:
    """A call of a function tool; `arguments` is JSON."""
    item = {"id": f"fc_{uuid.uuid4().hex}", "type": "function_call", "call_id": f"call_{uuid.uuid4().hex}"}
    place = {"item_id": item["id"], "output_index": 0}
    response = _response()
    yield {"type": "response.created", "response": response}
    yield _item("added", {**item, "name": name, "arguments": "", "status": "in_progress"})
    yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments}
    yield {"type": "response.function_call_arguments.done", **place, "name": name, "arguments": arguments}
    done = {**item, "name": name, "arguments": arguments, "status": "completed"}
    yield _item("done", done)
    yield _completed(response, [done], 1)


def image_answer() -> Iterator[Event]:
    """An image of one red point, as OpenAI's own tool makes it, without words."""
    item = {"id": f"ig_{uuid.uuid4().hex}", "type": "image_generation_call"}
    response = _response()
    yield {"type": "response.created", "response": response}
    yield _item("added", {**item, "status": "in_progress", "result": None})
    yield {"type": "response.image_generation_call.generating", "item_id": item["id"], "output_index": 0}
    done = {**item, "status": "completed", "result": _POINT}
    yield _item("done", done)
    yield _completed(response, [done], 1)


def _response() -> Event:
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": 0,
        "model": "offline",
        "output": [],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "status": "in_progress",
    }


def _completed(response: Event, items: list[Event], tokens: int) -> Event:
    usage = {
        "input_tokens": 1,
        "output_tokens": tokens,
        "total_tokens": 1 + tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "type": "response.completed",
        "response": {**response, "status": "completed", "output": items, "usage": usage},
    }


def _item(state: str, item: Event, index: int = 0) -> Event:
    return {"type": f"response.output_item.{state}", "output_index": index, "item": item}


def _summary(text: str) -> Event:
    return {"type": "summary_text", "text": text}


def _part(text: str) -> Event:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
