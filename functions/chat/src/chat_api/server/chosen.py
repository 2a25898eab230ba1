"""The agent as the user has chosen it to be: with another model, or with a tool that it begins with."""

from agents import Agent, ModelSettings
from agents.models import get_default_model_settings
from chatkit.agents import AgentContext
from chatkit.types import InferenceOptions

from chat_api.choices import Choices, ModelOffer
from chatkit_aws.context import RequestContext

type AssistantAgent = Agent[AgentContext[RequestContext]]


def chosen(agent: AssistantAgent, choices: Choices, options: InferenceOptions, *, begins: bool) -> AssistantAgent:
    """The agent to answer a message with these options, which may name what is not offered any more.

    Where the answer `begins`, and does not go on after a tool of the page's, its first call of the model is one of the
    chosen tool; those after it are free, else it would never end (Agents SDK, `reset_tool_choice`).
    """
    if (model := choices.model(options)) is not None:
        agent = agent.clone(model=model.model or agent.model, model_settings=_settings(agent, model))
    if begins and (tool := choices.tool(options)) is not None:
        settings = agent.model_settings.resolve(ModelSettings(tool_choice=tool.tool))
        agent = agent.clone(model_settings=settings, reset_tool_choice=True)
    return agent


def _settings(agent: AssistantAgent, offer: ModelOffer) -> ModelSettings:
    """Those that the team gave the agent; the SDK's own for a model are not for another one."""
    settings = agent.model_settings
    if offer.model and settings == _defaults(agent.model):
        settings = _defaults(offer.model)
    return settings.resolve(offer.settings)


def _defaults(model: object) -> ModelSettings:
    return get_default_model_settings(model) if isinstance(model, str) else ModelSettings()
