"""Which tools servers have: asked now and then, not in every turn, and not at once again where there was no answer."""

import asyncio
import logging
import time
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

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MAX_LISTS) -> None:
        """Begin with none, and keep `most`; `clock` gives seconds."""
        self._clock = clock
        self._most = most
        self._lists: dict[tuple[str, ...], asyncio.Task[_Listed]] = {}

    async def tools(self, connection: Connection, context: RequestContext) -> list[Tool] | None:
        """The tools of a server, as who asks may see them; None where it cannot be reached.

        Who asks at once with others waits for the same answer, and takes nothing from them by going away.
        """
        key = _key(connection, context)
        asked = self._lists.get(key)
        if asked is None or self._is_over(asked):
            self._lists.pop(key, None)  # so that it is the newest again
            asked = self._lists[key] = asyncio.create_task(self._ask(connection, context))
            if len(self._lists) > self._most:
                del self._lists[next(iter(self._lists))]
        return (await asyncio.shield(asked)).tools

    async def close(self) -> None:
        """Ask no further."""
        for asked in self._lists.values():
            asked.cancel()
        await asyncio.gather(*self._lists.values(), return_exceptions=True)

    def _is_over(self, asked: asyncio.Task[_Listed]) -> bool:
        if not asked.done():
            return False
        return asked.cancelled() or asked.exception() is not None or asked.result().until <= self._clock()

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
