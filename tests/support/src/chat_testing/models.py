"""Models that answer by script."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, override

from agents import Model, ModelProvider
from agents.items import TResponseStreamEvent
from agents.testing import ScriptedModel, assistant_message
from ulid import ULID


class ScriptedModels(ModelProvider):
    """A provider of one scripted model, whatever name is asked for; `model.enqueue` adds what it says next."""

    def __init__(self) -> None:
        """A model with nothing to say yet."""
        self.model = ScriptedModel()
        self.names: list[str | None] = []

    def get_model(self, model_name: str | None) -> Model:
        """The scripted model."""
        self.names.append(model_name)
        return self.model

    def say(self, text: str) -> None:
        """Answer the next call with a text."""
        self.model.enqueue([assistant_message(text, item_id=f"msg_{ULID()}")])


class PacedModel(ScriptedModel):
    """Says its words over some seconds."""

    def __init__(self, seconds: float) -> None:
        """Take that long for an answer."""
        super().__init__()
        self._seconds = seconds

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        events = [event async for event in super().stream_response(*args, **options)]
        for event in events:
            await asyncio.sleep(self._seconds / len(events))
            yield event


class PausingModel(ScriptedModel):
    """Says its text and then waits, before it is done, until `go_on` is set; `ended` however it ended."""

    def __init__(self) -> None:
        """A model with nothing to say yet."""
        super().__init__()
        self.said, self.go_on, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        try:
            async for event in super().stream_response(*args, **options):
                yield event
                if event.type == "response.output_text.delta":
                    self.said.set()
                    await self.go_on.wait()
                    if self.error is not None:
                        raise self.error
        finally:
            self.ended.set()


class PausingModels(ScriptedModels):
    """A provider of one pausing model."""

    def __init__(self) -> None:
        """A model with nothing to say yet."""
        super().__init__()
        self.model: PausingModel = PausingModel()
