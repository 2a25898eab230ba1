"""How many calls of tools a turn may have; how many of the model, the Agents SDK counts."""

from typing import override

from agents import Agent, ModelResponse, RunContextWrapper, RunHooks
from agents.exceptions import MaxTurnsExceeded
from chatkit.agents import AgentContext
from openai.types.responses import ResponseFunctionToolCall

from chatkit_aws.context import RequestContext


class ToolCalls(RunHooks[AgentContext[RequestContext]]):
    """Counts one turn's calls as the model asks for them: functions of ours and of MCP servers, and handoffs.

    What an agent calls that is itself used as a tool belongs to a run of its own, and counts as that one call.
    """

    def __init__(self, limit: int) -> None:
        """Begin with none of `limit`."""
        self._left = limit

    @override
    async def on_llm_end(
        self,
        context: RunContextWrapper[AgentContext[RequestContext]],
        agent: Agent[AgentContext[RequestContext]],
        response: ModelResponse,
    ) -> None:
        """Take note of what the model asks for. Raises MaxTurnsExceeded before any of it is called.

        When a tool starts would be too late: others that are asked for at once would be under way, and cancelled.
        """
        self._left -= sum(isinstance(item, ResponseFunctionToolCall) for item in response.output)
        if self._left < 0:
            raise MaxTurnsExceeded("too many calls of tools")
