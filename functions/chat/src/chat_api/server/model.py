"""The model: that of an endpoint which speaks OpenAI's Responses API, and may not be silent for ever."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast, override

from agents import Model, ModelProvider, ModelResponse, OpenAIResponsesModel
from agents.exceptions import ModelBehaviorError, ModelTimeoutError
from agents.items import TResponseStreamEvent
from openai import AsyncOpenAI


@dataclass(frozen=True, slots=True)
class Models(ModelProvider):
    """The models of one client: `name` for an agent that names none, `seconds` for how long a model may be silent."""

    client: AsyncOpenAI
    name: str
    seconds: float

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name, known or not."""
        return TimedModel(model_name or self.name, self.client, self.seconds)


class TimedModel(OpenAIResponsesModel):
    """Waits for each event as long as it may, and no longer.

    The client's own timeout would not do: it counts bytes, so that a comment begins it anew, and where it ends before
    the first one the client asks again.
    """

    def __init__(self, name: str, client: AsyncOpenAI, seconds: float) -> None:
        """The model of that name, which may be silent for `seconds`."""
        super().__init__(model=name, openai_client=client)
        self._seconds = seconds

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        """The SDK's events. Raises ModelTimeoutError where one does not come in time, and as the SDK does."""
        stream = super().stream_response(*args, **options)
        async with aclosing(cast("AsyncGenerator[TResponseStreamEvent]", stream)) as events:
            while True:
                async with _at_most(self._seconds):
                    event = await _next(events)
                if event is None:
                    return
                yield event

    @override
    async def get_response(self, *args: Any, **options: Any) -> ModelResponse:
        """The answer as a whole, as for an agent that is a tool: no event tells of it before. Raises likewise."""
        async with _at_most(self._seconds):
            return await super().get_response(*args, **options)


async def _next(events: AsyncIterator[TResponseStreamEvent]) -> TResponseStreamEvent | None:
    try:
        return await anext(events, None)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        # The client lets these through as they are.
        raise ModelBehaviorError("the endpoint sent an event that is no JSON") from error


@asynccontextmanager
async def _at_most(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        raise ModelTimeoutError(seconds) from None
