"""What answers: the agent, its model, and what it does when a widget is used."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents import Agent, ModelProvider
from chatkit.agents import AgentContext

from chat_api.choices import Choices
from chat_api.mcp_client.servers import McpTools
from chat_api.providers import Api
from chat_api.server.beside.aside import SmallModel
from chat_api.server.hosted_tools import Speaks
from chat_api.server.memory import window
from chat_api.toolkit.calls import Act, ActAtOnce
from chat_api.toolkit.guardrails import Guardrails
from chatkit_aws.context import RequestContext


def _responses(_: str | None) -> Api:
    return "responses"


@dataclass(frozen=True, slots=True)
class Assistant:
    """The agent, where its model comes from, how much it sees and does in a turn, and its actions by their type.

    `model_calls` and `tool_calls` are how many of them a turn may have. Without a model for `titles` or `summaries`
    threads get none. `choices` are what users may choose, `mcp` has tools of other servers, which are known only when a
    turn begins. Answers may show images from `image_domains`. Which API a model has, `speaks` knows.
    """

    agent: Agent[AgentContext[RequestContext]]
    models: ModelProvider
    history: window.Limits = field(default_factory=window.Limits)
    model_calls: int = 10
    tool_calls: int = 50
    actions: Mapping[str, Act] = field(default_factory=dict)
    actions_at_once: Mapping[str, ActAtOnce] = field(default_factory=dict)
    titles: SmallModel | None = None
    summaries: SmallModel | None = None
    choices: Choices = field(default_factory=Choices)
    mcp: McpTools | None = None
    guardrails: Guardrails = field(default_factory=Guardrails)
    image_domains: tuple[str, ...] = ()
    speaks: Speaks = _responses

    @property
    def history_items(self) -> int:
        """How many of a thread's newest items are read for a turn."""
        return self.history.items
