"""Sessions that servers keep are ended behind what they answered: nobody waits for it, and nothing hangs on it."""

import asyncio
import contextlib

import httpx
from mcp.client.streamable_http import MCP_PROTOCOL_VERSION, MCP_SESSION_ID

SECONDS = 2.0
"""How long a server may take; a session that it keeps even so is its own to forget."""


class Farewells:
    """Those of one server that are under way."""

    def __init__(self, url: str) -> None:
        """Say them to the server at `url`."""
        self._url = url
        self._said = set[asyncio.Task[None]]()

    def say(self, client: httpx.AsyncClient, session_id: str, version: str | int) -> None:
        """End a session, by a client that is of no more use then (MCP 2025-11-25, "Session Management")."""
        headers = {MCP_SESSION_ID: session_id, MCP_PROTOCOL_VERSION: str(version)}
        said = asyncio.create_task(self._end(client, headers))
        self._said.add(said)
        said.add_done_callback(self._said.discard)

    async def close(self) -> None:
        """Leave those that are under way unsaid."""
        for said in self._said:
            said.cancel()
        await asyncio.gather(*self._said, return_exceptions=True)

    async def _end(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        with contextlib.suppress(Exception):  # whatever the server does: the session is over for us
            async with asyncio.timeout(SECONDS), client:
                await client.delete(self._url, headers=headers)
