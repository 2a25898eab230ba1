"""A function whose app cannot start."""

from typing import Any

from lambda_streaming import AsgiHandler


async def app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


handler = AsgiHandler(app)
