"""What the calls of a model in one run of an agent use."""

from collections.abc import Sequence
from typing import override

import agents
from agents import Agent, ModelResponse, RunContextWrapper, RunHooks, TResponseInputItem

from chat_api.tokens import tokens_in, tokens_of
from chatkit_aws.usage import Usage


class Meter[C](RunHooks[C]):
    """One run's. `asked` is what a call of the model was given that has not ended, `said` the bytes of what it said.

    `untold` are the tokens, by estimate, of those of which the endpoint did not tell what they used.
    """

    def __init__(self) -> None:
        """Begin with nothing used."""
        self.asked: Sequence[TResponseInputItem] | None = None
        self.said = 0
        self.untold = Usage()

    @override
    async def on_llm_start(
        self,
        context: RunContextWrapper[C],
        agent: Agent[C],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
    ) -> None:
        """Take note of what the model is asked."""
        self.asked, self.said = input_items, 0

    @override
    async def on_llm_end(self, context: RunContextWrapper[C], agent: Agent[C], response: ModelResponse) -> None:
        """Take note of what it has used."""
        if response.usage.input_tokens == 0:
            # Without warnings: an endpoint's answer may hold what OpenAI's types do not know.
            answer = [item.model_dump(exclude_none=True, warnings=False) for item in response.output]
            self.untold += Usage(input=tokens_of(self.asked or ()), output=tokens_of(answer))
        self.asked = None

    def usage(self, told: agents.Usage) -> Usage:
        """What was used up to now, of which the endpoint has `told`, with a call that goes on, or was cut off."""
        used = Usage.of_run(told) + self.untold
        if self.asked is None:
            return used
        return used + Usage(input=tokens_of(self.asked), output=tokens_in(self.said), requests=1)
