"""Tools of MCP servers, as the Agents SDK knows tools, made for one turn of one user."""

import json
import logging
from typing import Any

from agents import FunctionTool, HostedMCPTool
from agents.tool_context import ToolContext
from chatkit.types import ProgressUpdateEvent
from mcp.types import Tool
from openai.types.responses.tool_param import Mcp

from chat_api.mcp_client.connection import Connection, McpUnavailable
from chat_api.mcp_client.results import told
from chat_api.mcp_servers import McpServer
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext

logger = logging.getLogger(__name__)

_ASKING = mark("Asking {server}")
_FAILED = "The server did not answer as it should, or not in time. Whether anything was done there is not known."
_MALFORMED = "Nothing was done: the arguments are not a JSON object."


class ServerTool(FunctionTool):
    """A tool of a server: it sends progress at most, so others may run beside it."""


def direct_tool(connection: Connection, tool: Tool, context: RequestContext) -> ServerTool:
    """A tool that this function calls, for who asks, and only when they allow it where the server asks for that."""
    server = connection.server

    async def invoke(run: ToolContext[Any], text: str) -> str:
        if (arguments := _object(text)) is None:
            return _MALFORMED
        said = say(context.locale, _ASKING, server=server.name)
        await run.context.stream(ProgressUpdateEvent(icon="globe", text=said))
        try:
            result = await connection.call(tool.name, arguments, context.access_token)
        except McpUnavailable as error:
            logger.warning("MCP call failed: %s", server.name, exc_info=error)
            return _FAILED
        return told(server.name, result)

    return ServerTool(
        name=server.name_of(tool.name),
        description=tool.description or tool.name,
        params_json_schema={"properties": {}, **tool.inputSchema, "type": "object"},
        on_invoke_tool=invoke,
        strict_json_schema=False,
        needs_approval=server.approval == "always",
    )


def hosted_tool(server: McpServer, context: RequestContext) -> HostedMCPTool:
    """A server whose tools the model's provider calls; where a call is to be approved, the run waits for the user."""
    config = Mcp(
        type="mcp",
        server_label=server.name,
        server_url=server.url,
        allowed_tools=list(server.tools),
        require_approval=server.approval,
    )
    if server.caller_token and context.access_token is not None:
        config["authorization"] = context.access_token
    return HostedMCPTool(config)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
