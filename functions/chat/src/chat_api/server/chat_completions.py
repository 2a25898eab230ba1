"""Models behind Chat Completions, given a thread's earlier answers so that they understand them."""

from collections.abc import AsyncIterator
from typing import Any, cast, override

from agents import ModelResponse, OpenAIChatCompletionsModel, TResponseInputItem
from agents.items import TResponseStreamEvent


class ChatCompletionsModel(OpenAIChatCompletionsModel):
    """Takes the assistant's messages as ChatKit's SDK makes them of a thread's items.

    They are a list of `output_text` without an id, which the Agents SDK refuses here (0.24.0: `Unknown content`). As
    one text they mean the same.
    """

    @override
    def stream_response(
        self, system_instructions: str | None, input: str | list[TResponseInputItem], *args: Any, **options: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        """The model's answer as events. Raises as the SDK does."""
        return super().stream_response(system_instructions, understood(input), *args, **options)

    @override
    async def get_response(
        self, system_instructions: str | None, input: str | list[TResponseInputItem], *args: Any, **options: Any
    ) -> ModelResponse:
        """The answer as a whole. Raises likewise."""
        return await super().get_response(system_instructions, understood(input), *args, **options)


def understood(given: str | list[TResponseInputItem]) -> str | list[TResponseInputItem]:
    """The same, with each of the assistant's messages as one text."""
    return given if isinstance(given, str) else [_understood(item) for item in given]


def _understood(item: TResponseInputItem) -> TResponseInputItem:
    match item:
        case {"role": "assistant", "content": [*parts]} if "id" not in item:
            texts = (cast("dict[str, Any]", part) for part in parts)
            text = "".join(part["text"] for part in texts if part["type"] == "output_text")
            return cast("TResponseInputItem", {"role": "assistant", "content": text})
    return item
