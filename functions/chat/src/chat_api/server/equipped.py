"""The agent with the tools of MCP servers, as they can be reached when a turn begins."""

from openai.types.responses import EasyInputMessageParam

from chat_api.mcp_client.servers import McpTools
from chat_api.server.chosen import AssistantAgent
from chat_api.server.memory.history import History
from chatkit_aws.context import RequestContext


async def equipped(
    agent: AssistantAgent, mcp: McpTools | None, history: History, context: RequestContext, *, hosted: bool
) -> AssistantAgent:
    """The agent with their tools for who asks; `history` then begins with what the model has to know of them.

    Of servers that the model's provider calls there are none, unless its API has them: `hosted`.
    """
    if mcp is None:
        return agent
    offer = await mcp.offer(context, hosted=hosted)
    if offer.note:
        history.input.insert(0, EasyInputMessageParam(role="system", content=offer.note))
    return agent.clone(tools=[*agent.tools, *offer.tools]) if offer.tools else agent
