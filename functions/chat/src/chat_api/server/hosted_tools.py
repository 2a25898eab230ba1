"""Tools that a model's provider carries out, as one that makes images; Chat Completions has none of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from agents import FunctionTool, Model

from chat_api.choices import Choices
from chat_api.providers import Api
from chat_api.server.chosen import AssistantAgent

type Speaks = Callable[[str | None], Api]
"""The API of the model of that name; without one, of the model that answers by default."""


def api_of(agent: AssistantAgent, speaks: Speaks) -> Api:
    """What the agent's model speaks. One that a team brings itself, which is no name, is taken as it is."""
    return "responses" if isinstance(agent.model, Model) else speaks(agent.model)


def hosted(agent: AssistantAgent) -> list[str]:
    """The names of such tools that the agent has; not those behind it, to which it hands off."""
    return [tool.name for tool in agent.tools if not isinstance(tool, FunctionTool)]


def fitting(agent: AssistantAgent, api: Api) -> AssistantAgent:
    """The agent without such tools where its model has none: else the Agents SDK ends each of its answers."""
    if api == "responses" or not hosted(agent):
        return agent
    return agent.clone(tools=[tool for tool in agent.tools if isinstance(tool, FunctionTool)])


def apart(choices: Choices, agent: AssistantAgent, speaks: Speaks) -> Choices:
    """What is offered, and which tool not with which model."""
    names = {*hosted(agent)}
    tools = [tool.id for tool in choices.tools if tool.tool in names]
    without = [model for model, api in apis(choices, agent, speaks) if api != "responses"]
    return replace(choices, apart=frozenset((model, tool) for model in without for tool in tools))


def apis(choices: Choices, agent: AssistantAgent, speaks: Speaks) -> Iterator[tuple[str | None, Api]]:
    """What each model speaks that may answer, by the id of its offer, and first the one for who chooses none."""
    default = api_of(agent, speaks)
    yield None, default
    for offer in choices.models:
        yield offer.id, speaks(offer.model) if offer.model else default
