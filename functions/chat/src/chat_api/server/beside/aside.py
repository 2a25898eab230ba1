"""What is asked of a small model beside an answer, which neither waits for it nor depends on it."""

import asyncio
import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass

from agents import Agent, ModelProvider, ModelSettings, RunConfig, Runner
from agents.models import get_default_model_settings
from openai.types.shared import Reasoning

from chat_api.runs.context import TurnContext
from chat_api.tokens import tokens_of
from chatkit_aws.usage import Usage

logger = logging.getLogger(__name__)

_HASTY = ("gpt-5-mini", "gpt-5-nano")
"""Models that would think about little for seconds, and can be told not to."""


@dataclass(frozen=True, slots=True)
class SmallModel:
    """The model, by the name that `models` know."""

    models: ModelProvider
    name: str

    async def ask(self, what: str, instructions: str, text: str, context: TurnContext) -> str:
        """Its answer to `text`. Raises as it does. What it used is counted with the turn."""
        agent = Agent(name=what, instructions=instructions, model=self.name, model_settings=_settings_of(self.name))
        config = RunConfig(model_provider=self.models, tracing_disabled=True)
        result = await Runner.run(agent, text, max_turns=1, run_config=config)
        context.spending.add(self.name, Usage.of_run(result.context_wrapper.usage))
        return str(result.final_output)


class Aside(ABC):
    """One thread's, being made while an answer is. It never fails, and never keeps the answer waiting."""

    def __init__(self, what: str, small: SmallModel, context: TurnContext) -> None:
        """Begin; `what` is what it makes, for the log."""
        self._what = what
        self._small = small
        self._context = context
        self._pending = Usage()
        self._task = asyncio.create_task(self._run(), name=what)

    def end(self) -> None:
        """Give up where it is not made yet: a later turn tries again. Once, however the answer ended."""
        if self._task.done():
            return
        self._task.cancel()
        logger.info("a thread has no %s yet: its answer was there before", self._what)
        if self._pending.requests:
            # Nobody tells what a request that was cut off has used.
            self._context.spending.add(self._small.name, self._pending)

    async def _run(self) -> None:
        try:
            await self._make()
        except Exception as error:  # noqa: BLE001 - it is not worth an answer
            logger.warning("a thread has no %s yet: %s", self._what, type(error).__name__)

    async def _asked(self, instructions: str, text: str) -> str:
        """The model's answer. Raises as it does."""
        self._pending = Usage(input=tokens_of([{"role": "user", "content": text}]), requests=1)
        answer = await self._small.ask(self._what, instructions, text, self._context)
        self._pending = Usage()
        return answer

    @abstractmethod
    async def _make(self) -> None:
        """Make it, and see that it is kept."""


def _settings_of(model: str) -> ModelSettings:
    settings = get_default_model_settings(model)
    if model.startswith(_HASTY):
        settings.reasoning = Reasoning(effort="minimal")
    return settings
