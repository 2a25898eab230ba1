"""Which tools servers have: asked now and then, not in every turn, and not at once again where there was no answer."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mcp.types import Tool

from chat_api.mcp_client.connection import Connection, McpUnavailable
from chatkit_aws.context import RequestContext

logger = logging.getLogger(__name__)

KEEP_SECONDS = 300.0
"""How long a list of tools is good for."""
COOL_DOWN_SECONDS = 30.0
"""For how long a server that gave none is left alone: else each turn would wait for it."""
MAX_LISTS = 500
"""Lists that a process keeps: one for each user of a server that gets their tokens."""


@dataclass(frozen=True, slots=True)
class _Listed:
    tools: list[Tool] | None
    until: float


class Catalog:
    """The lists of all servers. What a server showed to one user's token is shown to nobody else."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock` gives seconds."""
        self._clock = clock
        self._lists: OrderedDict[tuple[str, ...], _Listed] = OrderedDict()

    async def tools(self, connection: Connection, context: RequestContext) -> list[Tool] | None:
        """The tools of a server, as who asks may see them; None where it cannot be reached."""
        key = _key(connection, context)
        known = self._lists.get(key)
        if known is None or known.until <= self._clock():
            known = await self._ask(connection, context)
            self._lists[key] = known
            if len(self._lists) > MAX_LISTS:
                self._lists.popitem(last=False)
        return known.tools

    async def _ask(self, connection: Connection, context: RequestContext) -> _Listed:
        try:
            tools = await connection.tools(context.access_token)
        except McpUnavailable as error:
            logger.warning("MCP server left out: %s", connection.server.name, exc_info=error)
            return _Listed(None, self._clock() + COOL_DOWN_SECONDS)
        return _Listed(tools, self._clock() + KEEP_SECONDS)


def _key(connection: Connection, context: RequestContext) -> tuple[str, ...]:
    server = connection.server
    return (server.name, context.tenant_id, context.user_id) if server.caller_token else (server.name,)
