"""A guardrail: a moderation model of OpenAI's, or of an endpoint with the same interface.

https://platform.openai.com/docs/guides/moderation
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from agents import Agent, GuardrailFunctionOutput, RunContextWrapper, TResponseInputItem
from chatkit.agents import AgentContext
from openai import AsyncOpenAI

from chat_api.failures import Failure
from chat_api.runs.context import TurnContext
from chat_api.texts import mark
from chatkit_aws.context import RequestContext

logger = logging.getLogger(__name__)

PART_CHARACTERS = 10_000
"""How much is judged as one text; longer ones are judged in parts, so that all of it is."""

UNCHECKED = Failure("moderation", mark("This could not be checked, so it is not answered."), allow_retry=True)


@dataclass(frozen=True, slots=True)
class Moderation:
    """Judges what is said by a moderation model; its texts only, no images and files.

    `is_blocking` has the model wait for the verdict on what is asked. `fails_open` lets through what could not be
    judged within `seconds`.
    """

    client: AsyncOpenAI
    model: str
    seconds: float
    is_blocking: bool
    fails_open: bool

    async def of_input(
        self,
        run: RunContextWrapper[AgentContext[RequestContext]],
        _agent: Agent[Any],
        _given: str | list[TResponseInputItem],
    ) -> GuardrailFunctionOutput:
        """The verdict on what the user and their page have said since the last answer, and on nothing that others told.

        The history has more: what tools said, say, for which nobody would be right to refuse the user's next question.
        """
        turn = run.context.request_context
        assert isinstance(turn, TurnContext)  # noqa: S101 - an answer has no other
        return await self._verdict("\n".join(turn.said))

    async def of_output(
        self, _run: RunContextWrapper[Any], _agent: Agent[Any], said: object
    ) -> GuardrailFunctionOutput:
        """The verdict on a message, or on thoughts that are shown."""
        return await self._verdict(str(said))

    async def _verdict(self, text: str) -> GuardrailFunctionOutput:
        if not text.strip():
            return GuardrailFunctionOutput(None, tripwire_triggered=False)
        try:
            async with asyncio.timeout(self.seconds):
                return GuardrailFunctionOutput(None, tripwire_triggered=await self._is_flagged(text))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was judged
            logger.warning("moderation failed: %s", type(error).__name__)
            return GuardrailFunctionOutput(UNCHECKED, tripwire_triggered=not self.fails_open)

    async def _is_flagged(self, text: str) -> bool:
        parts = [text[start : start + PART_CHARACTERS] for start in range(0, len(text), PART_CHARACTERS)]
        judged = (await self.client.moderations.create(model=self.model, input=parts)).results
        if len(judged) != len(parts):
            message = f"{len(judged)} verdicts on {len(parts)} texts"
            raise ValueError(message)
        return any(result.flagged for result in judged)
