"""An app that says words, and at last what that cost: `/{words}/{at a time}/{seconds between}/{window}/{padding}`.

`direct` in place of the window's seconds sends each event as it comes. The benchmark of the pace runs it.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator

from chat_api.pacing import Pace, paced
from lambda_streaming import AsgiHandler
from lambda_streaming.asgi import Receive, Scope, Send


async def words(count: int, burst: int, seconds: float) -> AsyncIterator[bytes]:
    """Events as a model's words make them, each with the time at which it was said; the same every time."""
    chance = random.Random(0)
    due = time.perf_counter()
    for number in range(count):
        if number % burst == 0 and seconds:
            due += chance.expovariate(1 / seconds)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        update = {"type": "assistant_message.content_part.text_delta", "content_index": 0, "delta": " words"}
        event = {"type": "thread.item.updated", "item_id": "msg_0123456789abcdef0123456789abcdef", "update": update}
        yield f"data: {json.dumps({**event, 'at': time.perf_counter()})}\n\n".encode()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return
    await receive()
    count, burst, seconds, window, padding = scope["path"][1:].split("/")
    began = time.process_time()
    events = words(int(count), int(burst), float(seconds))
    if window != "direct":
        events = paced(events, Pace(window_seconds=float(window), padding_bytes=int(padding)))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    async for part in events:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    cost = f"{time.process_time() - began}"
    await send({"type": "http.response.body", "body": cost.encode()})


handler = AsgiHandler(app)
