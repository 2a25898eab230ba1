"""Which calls of MCP servers are approved, where a server is configured with `"approval": "always"` (docs/mcp.md)."""

from chat_api.mcp_client.tools import McpCall
from chatkit_aws.context import RequestContext


async def approve(_call: McpCall, _context: RequestContext) -> bool:
    """Whether the model may make this call for who asks. None is approved before you say here which are."""
    return False
