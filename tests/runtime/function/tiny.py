"""An ASGI app that does on each path one thing that a runtime must get right."""

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qsl

from lambda_streaming import AsgiHandler, current_invocation

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

left_behind: ContextVar[str] = ContextVar("left_behind", default="nothing")
startups = 0
logger = logging.getLogger("tiny")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await ROUTES[scope["path"].split("/")[1]](scope, receive, send)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    global startups  # noqa: PLW0603 - the process's state is what is tested
    assert (await receive())["type"] == "lifespan.startup"
    startups += 1
    scope["state"]["greeting"] = "hello"
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    print("lifespan has ended", flush=True)  # noqa: T201 - seen in the log
    await send({"type": "lifespan.shutdown.complete"})


async def start(send: Send, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def part(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def whole(send: Send, body: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await start(send, status, (b"content-type", b"application/octet-stream"), *headers)
    await part(send, body, more=False)


async def gated(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends each line only when the test has passed it through the gate."""
    host, port = os.environ["GATE"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await start(send, 200, (b"content-type", b"text/event-stream"))
    while line := await reader.readline():
        await part(send, line)
    await part(send, b"", more=False)
    writer.close()


async def facts(scope: Scope, receive: Receive, send: Send) -> None:
    """What one request finds around itself."""
    invocation = current_invocation.get()
    assert invocation is not None
    found = {
        "startups": startups,
        "loop": id(asyncio.get_running_loop()),
        "pid": os.getpid(),
        "main_thread": threading.current_thread() is threading.main_thread(),
        "left_behind": left_behind.get(),
        "greeting": scope["state"].get("greeting"),
        "request_id": invocation.request_id,
        "aws_request_id": scope["aws.context"].aws_request_id,
        "deadline": invocation.deadline,
        "trace_id": invocation.trace_id,
        "function_arn": invocation.function_arn,
        "sys.path": sys.path,
        "sys.argv": sys.argv,
        "main": sys.modules["__main__"].__dict__.get("__file__"),
        "PYTHONPATH": os.environ.get("PYTHONPATH"),
        "WRAPPED": os.environ.get("WRAPPED"),
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
    }
    left_behind.set(invocation.request_id)
    await whole(send, json.dumps(found).encode())


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await whole(send, (await receive())["body"])


async def cookies(scope: Scope, receive: Receive, send: Send) -> None:
    repeated = [(b"Set-Cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"Vary", b"Origin"), (b"vary", b"Accept")]
    dropped = [(b"Connection", b"keep-alive"), (b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")]
    await whole(send, b"yes", 201, *repeated, *dropped)


async def binary(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await part(send, bytes(range(256)))
    await part(send, bytes(8), more=False)


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    size = int(dict(parse_qsl(scope["query_string"].decode()))["size"])
    await start(send)
    for _ in range(size // 2**20):
        await part(send, b"x" * 2**20)
    await part(send, b"", more=False)


async def fail_early(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("before the first byte")


async def fail_late(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await part(send, b"some")
    raise ValueError("after the first byte\r\nwith a line break")


async def fail_after(scope: Scope, receive: Receive, send: Send) -> None:
    await whole(send, b"answered", 500)
    raise ValueError("after the last byte")


async def forget(scope: Scope, receive: Receive, send: Send) -> None:
    """Ends without a response."""


async def leave(scope: Scope, receive: Receive, send: Send) -> None:
    sys.exit(3)


async def status(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the status in the path, and a body only where one may be."""
    await start(send, int(scope["path"].split("/")[2]), (b"etag", b'"1"'))
    await part(send, b"", more=False)


async def wide(scope: Scope, receive: Receive, send: Send) -> None:
    await whole(send, b"", 200, (b"x-wide", b"w" * 17_000))


async def background(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await whole(send, b"first")
    logger.warning("background work for %s", (await receive())["type"])


async def until_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await start(send)
    await part(send, b"one")
    assert (await receive())["type"] == "http.disconnect"
    try:
        await part(send, b"two")
    except OSError as exc:
        logger.warning("told of the disconnect: %s", type(exc).__name__)
        raise


ROUTES = {
    function.__name__: function
    for function in (
        gated, facts, echo, cookies, binary, large, fail_early, fail_late, fail_after, forget, leave, status, wide,
        background, until_disconnect,
    )
}  # fmt: skip

handler = AsgiHandler(app)
