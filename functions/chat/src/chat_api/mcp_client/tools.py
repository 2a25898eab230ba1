"""Tools of MCP servers, as the Agents SDK knows tools, made for one turn of one user."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agents import FunctionTool, HostedMCPTool, MCPToolApprovalFunctionResult, MCPToolApprovalRequest
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

MAX_DESCRIPTION = 1_000
"""Characters of a tool's description, which is a server's text too."""

_ASKING = mark("Asking {server}")
_REFUSED = "Nothing was done: this tool is called only when it is approved, and it was not."
_FAILED = "The server did not answer as it should, or not in time. Whether anything was done there is not known."
_MALFORMED = "Nothing was done: the arguments are not a JSON object."


@dataclass(frozen=True, slots=True)
class McpCall:
    """A call that the model asks for; `arguments` are its own words."""

    server: str
    tool: str
    arguments: dict[str, Any]


type Approve = Callable[[McpCall, RequestContext], Awaitable[bool]]
"""Whether a call may be made."""


def direct_tool(connection: Connection, tool: Tool, context: RequestContext, approve: Approve) -> FunctionTool:
    """A tool that this function calls, for who asks."""
    server = connection.server

    async def invoke(run: ToolContext[Any], text: str) -> str:
        if (arguments := _object(text)) is None:
            return _MALFORMED
        call = McpCall(server.name, tool.name, arguments)
        if server.approval == "always" and not await approve(call, context):
            return _REFUSED
        said = say(context.locale, _ASKING, server=server.name)
        await run.context.stream(ProgressUpdateEvent(icon="globe", text=said))
        try:
            result = await connection.call(tool.name, call.arguments, context.access_token)
        except McpUnavailable as error:
            logger.warning("MCP call failed: %s", server.name, exc_info=error)
            return _FAILED
        return told(server.name, result)

    return FunctionTool(
        name=server.name_of(tool.name),
        description=(tool.description or tool.title or tool.name)[:MAX_DESCRIPTION],
        params_json_schema={"properties": {}, **tool.inputSchema, "type": "object"},
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


def hosted_tool(server: McpServer, context: RequestContext, approve: Approve) -> HostedMCPTool:
    """A server whose tools the model's provider calls."""

    async def decide(request: MCPToolApprovalRequest) -> MCPToolApprovalFunctionResult:
        arguments = _object(request.data.arguments)
        if arguments is not None and await approve(McpCall(server.name, request.data.name, arguments), context):
            return {"approve": True}
        return {"approve": False, "reason": _REFUSED}

    config = Mcp(
        type="mcp",
        server_label=server.name,
        server_url=server.url,
        allowed_tools=list(server.tools),
        require_approval=server.approval,
    )
    if server.caller_token and context.access_token is not None:
        config["authorization"] = context.access_token
    return HostedMCPTool(config, on_approval_request=decide)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
