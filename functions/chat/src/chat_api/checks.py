"""Settings that do not fit together, found when the function starts and not when somebody asks it something."""

import logging
from collections.abc import Iterator

from chat_api.choices import Choices
from chat_api.runs.turn import MARGIN_SECONDS
from chat_api.server import hosted_tools
from chat_api.server.chosen import AssistantAgent
from chat_api.settings import Settings

logger = logging.getLogger(__name__)


def check_times(settings: Settings) -> None:
    """Raises ValueError where a part of a turn may take longer than a turn can, so that its limit would never be met.

    A turn ends ten seconds before the platform would end the process.
    """
    if settings.function_seconds == 0:
        return
    turn = settings.function_seconds - MARGIN_SECONDS
    for name in ("model_seconds", "tool_seconds", "mcp_seconds", "moderation_seconds"):
        if (seconds := getattr(settings, name)) >= turn:
            message = f"{name.upper()} is {seconds:g}; a turn ends after {turn:g} seconds, so it has to be less"
            raise ValueError(message)


def check_tools(settings: Settings, agent: AssistantAgent, choices: Choices) -> None:
    """Raises ValueError where a tool is offered that the agent does not have: a model could not be made to call it.

    So it does where a model's provider is to carry something out, and none of the models speaks Responses. Where some
    do, the others have to do without, and the log says so.
    """
    there = {tool.name for tool in agent.tools}
    if missing := [offer.tool for offer in choices.tools if offer.tool not in there]:
        message = f"choices: the agent has no tool named {', '.join(missing)}"
        raise ValueError(message)
    _check_hosted(settings, agent, choices)


def _check_hosted(settings: Settings, agent: AssistantAgent, choices: Choices) -> None:
    wanted = [*_wanted(settings, agent)]
    speaking = dict(hosted_tools.apis(choices, agent, settings.api_of))
    lacking = sorted(id_ or "the default" for id_, api in speaking.items() if api != "responses")
    if not wanted or not lacking:
        return
    if len(lacking) == len(speaking):
        message = (
            f"{', '.join(wanted)}: only the Responses API has that, and every model that may answer speaks Chat "
            "Completions, as MODEL_API and MODEL_PROVIDERS say"
        )
        raise ValueError(message)
    logger.warning("models that do without %s, since they speak Chat Completions: %s", wanted, lacking)


def _wanted(settings: Settings, agent: AssistantAgent) -> Iterator[str]:
    """What the provider is to carry out, by the settings that say so."""
    for name in hosted_tools.hosted(agent):
        yield f"{name} (IMAGE_GENERATION)" if name == "image_generation" else name
    for server in settings.mcp_servers:
        if server.kind == "hosted":
            yield f"the hosted server {server.name} (MCP_SERVERS)"
