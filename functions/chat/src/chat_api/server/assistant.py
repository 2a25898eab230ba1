"""What answers: the agent, its model, and what it does when a widget is used."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents import Agent, ModelProvider
from chatkit.agents import AgentContext

from chat_api.assistant.actions import Act, ActAtOnce
from chatkit_aws.context import RequestContext


@dataclass(frozen=True, slots=True)
class Assistant:
    """The agent, where its model comes from, how many of the newest items it sees, and its actions by their type."""

    agent: Agent[AgentContext[RequestContext]]
    models: ModelProvider
    history_items: int
    actions: Mapping[str, Act] = field(default_factory=dict)
    actions_at_once: Mapping[str, ActAtOnce] = field(default_factory=dict)
