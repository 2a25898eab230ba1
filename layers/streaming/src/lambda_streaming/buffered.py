"""A response that is collected whole, for a caller that cannot stream."""

from lambda_streaming.exchange import Exchange
from lambda_streaming.request import HttpRequest, ProxyResponse


class BufferedBody:
    """The sink that keeps every part."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    async def write(self, part: bytes) -> None:
        """Keep one part."""
        self.parts.append(part)

    def finish(self) -> None:
        """Nothing to do: the parts are all there."""


async def buffered_response(exchange: Exchange, request: HttpRequest) -> ProxyResponse:
    """Run the app to its end and return its response; raises what the app raised before that was complete."""
    body = BufferedBody()
    exchange.attach(body)
    start = await exchange.started()
    failure = await exchange.ended()
    if failure is not None:
        raise failure
    return request.proxy_response(start.status, start.headers, b"".join(body.parts))
