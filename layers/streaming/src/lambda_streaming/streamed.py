"""A response that has begun in the app and is yet to be delivered to the Runtime API."""

import logging

from lambda_streaming.errors import ClientDisconnected
from lambda_streaming.exchange import Exchange, ResponseStart
from lambda_streaming.loop import LoopThread
from lambda_streaming.post import ResponsePost

logger = logging.getLogger(__name__)

_ACCEPTED = 202


class StreamedResponse:
    """What the handler returns where the wrapper is in charge; the replaced seams know it by its class."""

    def __init__(self, exchange: Exchange, start: ResponseStart, loop: LoopThread) -> None:
        self._exchange = exchange
        self._start = start
        self._loop = loop

    def deliver(self, address: str, request_id: str, invocation_id: str | None = None) -> None:
        """Stream to the Runtime API at `address` (`host:port`), then wait until the app has ended.

        Raises `OSError` if nothing could be sent. What fails later goes to trailers and the log.
        """
        self._loop.run(self._deliver(address, request_id, invocation_id))

    async def _deliver(self, address: str, request_id: str, invocation_id: str | None) -> None:
        try:
            post = await ResponsePost.open(address, request_id, invocation_id, self._exchange.disconnect)
        except OSError:
            self._exchange.cancel()
            raise
        try:
            post.write_prelude(self._start.prelude)
            self._exchange.attach(post)
            failure = await self._exchange.ended()
            if failure is not None and not _is_caused_by_disconnect(failure):
                logger.error("the response failed after its first byte", exc_info=failure)
            if self._exchange.is_disconnected:
                post.close()
            elif failure is not None:
                post.fail(failure)
            status = await post.answered()
            if status != _ACCEPTED:
                logger.warning("the Runtime API did not take the whole response, status %s", status)
        finally:
            post.close()


def _is_caused_by_disconnect(failure: BaseException | None) -> bool:
    """Whether `ClientDisconnected` is behind a failure: frameworks raise their own error from it."""
    while failure is not None:
        if isinstance(failure, ClientDisconnected):
            return True
        failure = failure.__cause__ or failure.__context__
    return False
