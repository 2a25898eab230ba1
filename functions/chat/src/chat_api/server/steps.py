"""The steps of a turn: calls of the model, and of tools, of which there may only be so many."""

from collections.abc import Sequence
from typing import override

from agents import Agent, ModelResponse, RunContextWrapper, RunHooks, Tool, TResponseInputItem
from agents.exceptions import MaxTurnsExceeded
from chatkit.agents import AgentContext
from openai.types.responses import ResponseFunctionToolCall

from chat_api.server.events.tool_events import ToolEvents
from chat_api.server.judging.judging import Judging
from chat_api.server.memory.estimate import tokens_of
from chatkit_aws.context import RequestContext
from chatkit_aws.usage import Usage


class Steps(RunHooks[AgentContext[RequestContext]]):
    """Counts one turn's calls of tools as the model asks for them: functions of ours and of MCP servers, and handoffs.

    What an agent calls that is itself used as a tool belongs to a run of its own, and counts as that one call. How
    often the model is called, the Agents SDK counts. `asked` is what a call of the model was given that has not ended,
    `untold` the tokens, by estimate, of those of which the endpoint did not tell what they used.
    """

    def __init__(self, tool_calls: int, events: ToolEvents, judging: Judging) -> None:
        """Begin with none of `tool_calls`, by which tools send `events`; what the model says goes to `judging`."""
        self._left = tool_calls
        self._events = events
        self.judging = judging
        self.asked: Sequence[TResponseInputItem] | None = None
        self.untold = Usage()

    @override
    async def on_llm_start(
        self,
        context: RunContextWrapper[AgentContext[RequestContext]],
        agent: Agent[AgentContext[RequestContext]],
        system_prompt: str | None,
        input_items: list[TResponseInputItem],
    ) -> None:
        """Take note of what the model is asked."""
        self.asked = input_items

    @override
    async def on_llm_end(
        self,
        context: RunContextWrapper[AgentContext[RequestContext]],
        agent: Agent[AgentContext[RequestContext]],
        response: ModelResponse,
    ) -> None:
        """Take note of what the model asks for. Raises MaxTurnsExceeded before any of it is called.

        And OutputGuardrailTripwireTriggered for what it says. When a tool starts would be too late: others that are
        asked for at once would be under way, and cancelled.
        """
        if response.usage.input_tokens == 0:
            # Without warnings: an endpoint's answer may hold what OpenAI's types do not know.
            answer = [item.model_dump(exclude_none=True, warnings=False) for item in response.output]
            self.untold += Usage(input=tokens_of(self.asked or ()), output=tokens_of(answer))
        self.asked = None
        calls = sum(isinstance(item, ResponseFunctionToolCall) for item in response.output)
        self._left -= calls
        if self._left < 0:
            raise MaxTurnsExceeded("too many calls of tools")
        if calls:
            # The SDK would call them while a guardrail beside the model has not made up its mind.
            await self.judging.asked()
        await self.judging.said(response)

    @override
    async def on_tool_start(
        self,
        context: RunContextWrapper[AgentContext[RequestContext]],
        agent: Agent[AgentContext[RequestContext]],
        tool: Tool,
    ) -> None:
        """Let the tool begin when it is its turn."""
        await self._events.turn()
