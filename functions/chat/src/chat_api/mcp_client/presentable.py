"""What a server says of its tools, as a model may be shown it: foreign words, not too many, and none unseen."""

import json
import logging
from collections.abc import Iterable

from mcp.types import Tool

from chat_api.mcp_client.schemas import is_usable
from chat_api.mcp_servers import McpServer
from chat_api.smuggled import all_visible, visible

logger = logging.getLogger(__name__)

MAX_DESCRIPTION = 1_000
"""Characters of a tool's description; the rest is cut off."""
MAX_SCHEMA = 16_000
"""Characters of what a tool says of its arguments; one that says more is left out."""
MAX_OF_SERVER = 32_000
"""Characters of all that is said of one server's tools: the model pays for them in every call."""


def presentable(server: McpServer, tools: Iterable[Tool]) -> list[Tool]:
    """Those of its tools that are allowed and can be shown, in the order in which the setting names them.

    The log says of each that cannot, and why.
    """
    found = {tool.name: tool for tool in tools}
    shown: list[Tool] = []
    left = MAX_OF_SERVER
    for tool in (_seen(found[name]) for name in server.tools if name in found):
        schema = len(json.dumps(tool.inputSchema, ensure_ascii=False))
        size = len(tool.description or "") + schema
        if schema > MAX_SCHEMA or size > left:
            logger.warning("MCP tool left out, it says too much: %s", server.name_of(tool.name))
        elif not is_usable(tool.inputSchema):
            logger.warning("MCP tool left out, its schema is not usable: %s", server.name_of(tool.name))
        else:
            shown.append(tool)
            left -= size
    return shown


def _seen(tool: Tool) -> Tool:
    """The tool with what a person would see of it."""
    description = visible(tool.description or tool.title or tool.name)[:MAX_DESCRIPTION]
    return tool.model_copy(update={"description": description, "inputSchema": all_visible(tool.inputSchema)})
