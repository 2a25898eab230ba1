"""An agent within an answer: a tool has it write something before the user's eyes."""

from collections.abc import AsyncGenerator

from agents import Agent, Runner
from agents.tool_context import ToolContext
from chatkit.agents import AgentContext

from chat_api.runs.context import TurnContext
from chat_api.runs.meter import Meter
from chat_api.tokens import length_of
from chatkit_aws.context import RequestContext


class Inner:
    """One, for one task; `text` is what it has written. It knows only what it is told, and not the conversation.

    It writes with the model that answers, unless it has one of its own. What it uses counts with the turn, however it
    ends: where it is stopped, fails, or runs out of time, and where its endpoint does not tell, by estimate.
    """

    def __init__(self, agent: Agent[None], run: ToolContext[AgentContext[RequestContext]]) -> None:
        """Have `agent` write, for a tool of `run`."""
        answers = run.agent
        assert isinstance(answers, Agent)  # noqa: S101 - a tool has no other
        self._agent = agent.clone(model=agent.model or answers.model)
        self._run = run
        self.text = ""

    async def texts(self, told: str) -> AsyncGenerator[str]:
        """The text each time that it has grown; the agent stops when nobody asks for more. Raises as it does."""
        meter = Meter[None]()
        result = Runner.run_streamed(self._agent, told, hooks=meter, run_config=self._run.run_config)
        context = self._run.context.request_context
        assert isinstance(context, TurnContext)  # noqa: S101 - an answer has no other
        # Asked when the turn is over: where it is stopped, nothing that is done here at the end would come in time.
        context.spending.follow(str(self._agent.model), lambda: meter.usage(result.context_wrapper.usage))
        try:
            async for event in result.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    meter.said += length_of(event.data.delta)
                    self.text += event.data.delta
                    yield self.text
        finally:
            result.cancel()
