"""An app that streams small parts as its path says, `/{how many}/{seconds between}`; the benchmark runs it."""

import asyncio
import time

from lambda_streaming import AsgiHandler
from lambda_streaming.asgi import Receive, Scope, Send

PADDING = b"x" * 100


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    count, pause = scope["path"][1:].split("/")
    for _ in range(int(count)):
        if float(pause):
            await asyncio.sleep(float(pause))
        part = b"data: %.9f %b\n\n" % (time.perf_counter(), PADDING)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


handler = AsgiHandler(app)
