"""Models behind Chat Completions: what they are given and what they say, as the rest of the server knows it."""

from collections.abc import AsyncIterator
from typing import Any, cast, override

from agents import ModelResponse, OpenAIChatCompletionsModel, TResponseInputItem
from agents.items import TResponseStreamEvent
from openai import AsyncStream

from chat_api.server.models import reasoning


class ChatCompletionsModel(OpenAIChatCompletionsModel):
    """Takes the assistant's messages as ChatKit's SDK makes them of a thread's items.

    They are a list of `output_text` without an id, which the Agents SDK refuses here (0.24.0: `Unknown content`). As
    one text they mean the same. And the thoughts that some endpoints send as words are taken for what they are.
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

    @override
    async def _fetch_response(self, *args: Any, **options: Any) -> Any:
        """What the endpoint answers, with its thoughts apart; the SDK has no other place for it (0.24.0)."""
        answer: Any = await super()._fetch_response(*args, **options)
        match answer:
            case (_, AsyncStream() as stream):
                stream._iterator = reasoning.separated(stream._iterator)
                return answer
        return reasoning.whole(answer)


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
