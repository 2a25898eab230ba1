"""The models: those of an endpoint which speaks one of OpenAI's two APIs, and may not be silent for ever."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast, override

from agents import Model, ModelProvider, ModelResponse, OpenAIResponsesModel
from agents.exceptions import ModelBehaviorError, ModelTimeoutError
from agents.items import TResponseStreamEvent
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from openai import AsyncOpenAI
from openai.types import chat, responses

from chat_api.providers import Api
from chat_api.server.models.chat_completions import ChatCompletionsModel
from chat_api.server.models.hosted import ForgivingModel
from chatkit_aws import deferred


def build_types(api: Api) -> None:
    """Build what the client makes of a model's events, so that the first turn of a process need not."""
    deferred.build(responses if api == "responses" else chat)


@dataclass(frozen=True, slots=True)
class Models(ModelProvider):
    """The models of one client: `name` for an agent that names none, `seconds` for how long a model may be silent.

    `api` is what the endpoint speaks: Responses, or Chat Completions, as most servers do that are not OpenAI's.
    """

    client: AsyncOpenAI
    name: str
    seconds: float
    api: Api = "responses"

    def get_model(self, model_name: str | None) -> Model:
        """The model of that name, known or not."""
        speaking = ChatCompletionsModel if self.api == "chat_completions" else OpenAIResponsesModel
        timed = TimedModel(speaking(model=model_name or self.name, openai_client=self.client), self.seconds)
        return ForgivingModel(timed) if self.api == "responses" else timed


class TimedModel(Model):
    """Any model, for each of whose events one waits as long as it may take, and no longer.

    The client's own timeout would not do: it counts bytes, so that a comment begins it anew, and where it ends before
    the first one the client asks again.
    """

    def __init__(self, model: Model, seconds: float) -> None:
        """`model`, which may be silent for `seconds`."""
        self._model = model
        self._seconds = seconds

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        """The model's events. Raises ModelTimeoutError where one does not come in time, and as the model does."""
        stream = self._model.stream_response(*args, **options)
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
            return await self._model.get_response(*args, **options)

    @override
    def get_retry_advice(self, request: ModelRetryAdviceRequest) -> ModelRetryAdvice | None:
        """What the model says of a request that failed."""
        return self._model.get_retry_advice(request)


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
