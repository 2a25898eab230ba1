"""A web server in a thread, for what must be reached over HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
