"""Web servers, for what must be reached over HTTP: in a thread, and in the loop of the test."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import uvicorn


@contextmanager
def serving_app(app: Any, start_timeout: float = 10) -> Iterator[str]:
    """Serve an ASGI app on a free loopback port; gives its base address. `start_timeout` is in seconds."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + start_timeout
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    assert server.started, "the web server did not start"
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def serving_here(app: Any, lifespan: Literal["on", "off"] = "off", **options: Any) -> AsyncIterator[int]:
    """Serve an ASGI app in the running loop, which it then shares with the test; gives its port on loopback.

    `options` are uvicorn's.
    """
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan=lifespan, **options)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({task}, timeout=0.01)
        assert not task.done(), "the web server did not start"
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
