"""Images that the model made before a run waited: they are not kept with the run, and so are told of in words.

With an image, all goes that ties what the model said with it to its thoughts (`reasoning`, and the `id` of what follows
them): Responses refuses the one without the other, and none of it is needed (`memory/tool_calls.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from agents import TResponseInputItem
from agents.run import CallModelData, ModelInputData

from chat_api.assistant.history import GENERATED_IMAGE
from chat_api.smuggled import without_smuggled

_IMAGE = "image_generation_call"
_DROPPED = {"reasoning", "web_search_call", "file_search_call", "code_interpreter_call"}
"""Thoughts, and what is nothing without its `id` and was found for what the model has said by now."""


def as_asked(data: CallModelData[Any]) -> ModelInputData:
    """What the model is asked, without images that are not there, and without text that nobody sees."""
    asked = data.model_data
    if any(map(_is_left_out, asked.input)):
        data = replace(data, model_data=ModelInputData([*_untied(asked.input)], asked.instructions))
    return without_smuggled(data)


def _untied(items: Sequence[TResponseInputItem]) -> Iterable[TResponseInputItem]:
    for item in items:
        match cast("dict[str, Any]", item):
            case {"type": str(kind)} if kind in _DROPPED:
                continue
            case {"type": "image_generation_call"}:
                yield GENERATED_IMAGE
            case {"type": "function_call", "id": _, **call}:
                yield cast("TResponseInputItem", {"type": "function_call", **call})
            case {"type": "message", "role": "assistant", "content": list(content)}:
                text = "".join(part.get("text", "") for part in content)
                yield {"role": "assistant", "content": text}
            case _:
                yield item


def _is_left_out(item: TResponseInputItem) -> bool:
    return item.get("type") == _IMAGE and not item.get("result")
