"""The Lambda handler of an ASGI app."""

import sys

from mangum.types import LambdaContext, LambdaEvent

from lambda_streaming.asgi import AsgiApp
from lambda_streaming.buffered import buffered_response
from lambda_streaming.exchange import Exchange
from lambda_streaming.invocation import Invocation, current_invocation, invocation_of
from lambda_streaming.lifespan import Lifespan
from lambda_streaming.loop import process_loop
from lambda_streaming.request import HttpRequest, ProxyResponse, request_from
from lambda_streaming.streamed import StreamedResponse


class AsgiHandler:
    """Serves API Gateway (payload 1.0) and function URL (2.0) events with an ASGI app.

    Making it runs the app's lifespan startup, so make it when the handler's module is imported: a failure is then
    Lambda's own init error. It may be called from several threads at once.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._loop = process_loop()
        self._lifespan = Lifespan(app, self._loop)
        self._lifespan.start()

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> StreamedResponse | ProxyResponse:
        """Stream where the exec wrapper is in charge, else return the whole response.

        Raises `UnsupportedEvent`, and what the app raised before its response began.
        """
        return self.stream(event, context) if _is_wrapper_in_charge() else self.buffer(event, context)

    def stream(self, event: LambdaEvent, context: LambdaContext) -> StreamedResponse:
        """Run the app until its response begins; `StreamedResponse.deliver` sends the rest."""
        request = self._request(event, context)
        return self._loop.run(self._stream(request, invocation_of(context)))

    def buffer(self, event: LambdaEvent, context: LambdaContext) -> ProxyResponse:
        """Run the app to its end and return its response in the event's own format."""
        request = self._request(event, context)
        return self._loop.run(self._buffer(request, invocation_of(context)))

    def shutdown(self) -> None:
        """Run the app's lifespan shutdown now; SIGTERM and the end of the process do this too."""
        self._lifespan.end()

    def _request(self, event: LambdaEvent, context: LambdaContext) -> HttpRequest:
        request = request_from(event, context)
        request.scope["state"] = self._lifespan.state
        return request

    async def _stream(self, request: HttpRequest, invocation: Invocation) -> StreamedResponse:
        exchange = self._exchange(request, invocation)
        return StreamedResponse(exchange, await exchange.started(), self._loop)

    async def _buffer(self, request: HttpRequest, invocation: Invocation) -> ProxyResponse:
        return await buffered_response(self._exchange(request, invocation), request)

    def _exchange(self, request: HttpRequest, invocation: Invocation) -> Exchange:
        """Start the app; the variable is set in this task's own context, of which the app's task gets a copy."""
        current_invocation.set(invocation)
        return Exchange(self._app, request)


def _is_wrapper_in_charge() -> bool:
    """Whether boot.py prepared this process's interface client, which then knows a `StreamedResponse`."""
    return getattr(sys.modules.get("awslambdaric"), "delivers_streamed_responses", False)
