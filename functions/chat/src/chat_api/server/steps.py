"""The steps of a turn: calls of the model, and of tools, of which there may only be so many."""

from collections.abc import Sequence
from typing import override

from agents import Agent, FunctionTool, ModelResponse, RunContextWrapper, Tool, ToolExecutionConfig
from agents.exceptions import MaxTurnsExceeded
from chatkit.agents import AgentContext
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from openai.types.responses import ResponseFunctionToolCall

from chat_api.mcp_client.tools import ServerTool
from chat_api.runs.meter import Meter
from chat_api.server.events.tool_events import ToolEvents
from chat_api.server.judging.judging import Judging
from chat_api.tokens import length_of
from chatkit_aws.context import RequestContext


class Steps(Meter[AgentContext[RequestContext]]):
    """Counts one turn's calls of tools as the model asks for them: functions of ours and of MCP servers, and handoffs.

    What an agent calls that is itself used as a tool belongs to a run of its own, and counts as that one call. How
    often the model is called, the Agents SDK counts, and what that uses, the `Meter`.

    Functions of ours that are asked for at once run one after the other, in that order: `execution` tells the SDK so.
    An answer has one workflow, which the SDK closes where something else is shown; two tools that show something would
    tear what they show. Tools of MCP servers show nothing, and run at once where no function of ours is among them.
    """

    def __init__(self, tool_calls: int, events: ToolEvents, judging: Judging) -> None:
        """Begin with none of `tool_calls`, by which tools send `events`; what the model says goes to `judging`."""
        super().__init__()
        self._left = tool_calls
        self._events = events
        self.judging = judging
        self.execution = ToolExecutionConfig(max_function_tool_concurrency=1)

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of what an answer shows of a call of the model that goes on."""
        match event:
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                self.said += length_of(delta)
            case ThreadItemDoneEvent():
                # The model tells itself what it has used up to here.
                self.said = 0

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
        await super().on_llm_end(context, agent, response)
        calls = [item for item in response.output if isinstance(item, ResponseFunctionToolCall)]
        self._left -= len(calls)
        if self._left < 0:
            raise MaxTurnsExceeded("too many calls of tools")
        self.execution.max_function_tool_concurrency = 1 if _are_ours(calls, agent.tools) else None
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


def _are_ours(calls: Sequence[ResponseFunctionToolCall], tools: Sequence[Tool]) -> bool:
    """Whether a function of ours is among the calls; what the agent's own `mcp_servers` have is not among `tools`."""
    ours = {tool.name for tool in tools if isinstance(tool, FunctionTool) and not isinstance(tool, ServerTool)}
    return any(call.name in ours for call in calls)
