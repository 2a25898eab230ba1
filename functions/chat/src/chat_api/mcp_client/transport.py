"""Connections to one MCP server, kept for the process: to addresses on the internet, and for answers of some size."""

import ssl
from collections.abc import AsyncIterator
from typing import override

import httpx

from chat_api.mcp_client.addresses import Locate, public_address
from chat_api.mcp_servers import McpServer

CONNECT_SECONDS = 5.0
MAX_CONNECTIONS = 20
MAX_ANSWER = 1024 * 1024
"""Bytes of an answer; the model is shown a part of it at most."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Carries the requests to one server; each client that is made around it has headers of its own, and no other's.

    The name is resolved here and the connection made to the address that was checked, so that a name cannot change in
    between; the certificate is checked for the name. Every redirect comes by here as well.
    """

    def __init__(
        self, server: McpServer, locate: Locate = public_address, trusted: ssl.SSLContext | None = None
    ) -> None:
        """Begin without a connection; `trusted` are other certificates than those that everybody trusts."""
        self._is_private = server.private
        self._locate = locate
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
        self._inner = httpx.AsyncHTTPTransport(limits=limits, trust_env=False, verify=trusted or True)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises PrivateAddress, httpx's errors and OSError."""
        answer = await self._inner.handle_async_request(await self._checked(request))
        if answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise httpx.DecodingError("the answer is compressed, against what was asked for")
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type checker
        answer.stream = _Bounded(answer.stream)
        return answer

    async def _checked(self, request: httpx.Request) -> httpx.Request:
        url = request.url
        if self._is_private:
            return request
        if url.scheme != "https":
            raise httpx.UnsupportedProtocol("an MCP server is reached by https only")
        address = await self._locate(url.host, url.port or 443)
        return httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,  # Host among them, which is the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )

    @override
    async def aclose(self) -> None:
        """Leave the connections open for the next client."""

    async def close(self) -> None:
        """Close them."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    """An answer's bytes, up to a limit."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > MAX_ANSWER:
                raise httpx.ReadError("the answer is too large")
            yield part

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
