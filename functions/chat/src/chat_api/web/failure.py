"""A request that raises is answered, as long as nothing was sent."""

import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_api import problems
from chatkit_aws.record import Record

logger = logging.getLogger(__name__)


class FailureMiddleware:
    """Turns errors into problem documents; inside the CORS middleware, so that the page may read them."""

    def __init__(self, app: ASGIApp) -> None:
        """Answer for `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises what is raised after the answer has begun."""
        has_started = False

        async def noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if has_started or scope["type"] != "http":
                raise
            await _answer(error, scope["state"]["record"])(scope, receive, send)


def _answer(error: Exception, record: Record) -> ASGIApp:
    """The answer to an error; a defect of ours is logged and says nothing."""
    problem = problems.from_exception(error)
    if type(error) is ValueError:
        logger.warning("refused: the SDK found the thread in another state", exc_info=error)
    if problem is None:
        record.fail(error)
        problem = problems.Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
    return problems.response(problem, record.request_id)
