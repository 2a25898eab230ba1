"""The same by way of a framework."""

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from lambda_streaming import AsgiHandler


async def stream(request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        for word in ("one", "two", "three"):
            yield word
        if request.query_params.get("fail"):
            raise ValueError("in the stream")

    task = BackgroundTask(print, "background task ran", flush=True)
    return StreamingResponse(parts(), media_type="text/event-stream", background=task)


async def fail(request: Request) -> StreamingResponse:
    raise ValueError("in the endpoint")


handler = AsgiHandler(Starlette(routes=[Route("/stream", stream), Route("/fail", fail)]))
