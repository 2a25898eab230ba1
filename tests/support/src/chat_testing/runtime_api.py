"""Lambda's Runtime API on loopback, which records each response chunk by chunk.

    with RuntimeApi() as api, FunctionProcess(sandbox, api.address):
        invocation = api.invoke(event)
        invocation.chunk(1)        # waits until the second chunk of the response has arrived
        response = invocation.response()

Every wait raises `TimeoutError` after `DEADLINE` seconds, and `AssertionError` where the function could not start.
Source: "Using the Lambda runtime API", "Building a custom runtime for AWS Lambda".
"""

import asyncio
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Self

from chat_testing.recordings import Chunk, FunctionError, Invocation, Reading

DEADLINE = 20.0
"""Seconds that a wait may take."""

_API = "/2018-06-01/runtime"
_ERROR_TYPE = "lambda-runtime-function-error-type"


class _Connection:
    """HTTP/1.1 on one connection, as much of it as Lambda's runtimes speak."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    async def read_head(self) -> tuple[str, str, dict[str, str]]:
        """Method, path and headers of the next request."""
        line = (await self._reader.readuntil(b"\r\n")).decode("latin-1")
        method, path, _ = line.split(" ", 2)
        return method, path, await self.read_fields()

    async def read_fields(self) -> dict[str, str]:
        """Header or trailer lines up to the empty one, names in lower case."""
        fields: dict[str, str] = {}
        while line := (await self._reader.readuntil(b"\r\n")).decode("latin-1").strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return fields

    async def read_body(self, headers: Mapping[str, str]) -> bytes:
        """The body of a request with a length."""
        return await self._reader.readexactly(int(headers.get("content-length", "0")))

    async def read_chunk(self, headers: Mapping[str, str]) -> bytes | None:
        """The next chunk, or `None` after the last; a body with a length is one chunk."""
        if "transfer-encoding" not in headers:
            return await self.read_body(headers)
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        if size == 0:
            return None
        return (await self._reader.readexactly(size + 2))[:-2]

    def answer(self, status: int, body: bytes = b'{"status":"OK"}', headers: Mapping[str, str] | None = None) -> None:
        """Send an answer."""
        fields = {"Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._writer.write(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode("latin-1") + body)

    async def drain(self) -> None:
        """Wait until what was sent is on its way."""
        await self._writer.drain()


class RuntimeApi:
    """The server, in a thread of its own; a context manager."""

    def __init__(self) -> None:
        self.address = ""
        """`host:port`, for `AWS_LAMBDA_RUNTIME_API`."""
        self.restores = 0
        """How often the function has asked for `/restore/next`."""
        self._changed = threading.Condition()
        self._waiting: deque[Invocation] = deque()
        self._all: dict[str, Invocation] = {}
        self._init_error: FunctionError | None = None
        self._idle = 0
        self._loop = asyncio.new_event_loop()
        self._event = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24))
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def invoke(
        self,
        event: object,
        *,
        deadline: float = 60.0,
        headers: Mapping[str, str] | None = None,
        reading: Reading = Reading.WHOLE,
        read_chunks: int = 0,
    ) -> Invocation:
        """Hand an event to the function when it next asks; `deadline` in seconds from now.

        `headers` are added to those of `/next`; `reading` and `read_chunks` say how far the response is read.
        """
        request_id = f"00000000-0000-4000-8000-{len(self._all):012d}"
        described = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + deadline) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:function",
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        invocation = Invocation(request_id, json.dumps(event).encode(), described, self._wait)
        invocation.reading, invocation.read_chunks = reading, read_chunks
        self._all[request_id] = invocation
        self._waiting.append(invocation)
        self._loop.call_soon_threadsafe(self._event.set)
        return invocation

    def init_error(self) -> FunctionError:
        """Wait for the function to report that it could not start."""
        self._wait(lambda: self._init_error is not None, "an init error")
        assert self._init_error is not None
        return self._init_error

    def wait_until_idle(self) -> None:
        """Wait until the function asks for an event and there is none."""
        self._wait(lambda: self._idle > 0 and not self._waiting, "the function to be idle")

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: is_so() or self._init_error is not None, DEADLINE):
                raise TimeoutError(f"waited {DEADLINE:g} s for {what}")
            if not is_so():
                raise AssertionError(f"waited for {what}, got an init error: {self._init_error}")

    def _run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = _Connection(reader, writer, next(self._connections))
        try:
            while await self._answer(connection):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the function has closed its connection, as it may at any time
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, connection: _Connection) -> bool:
        """Serve one request; whether the connection stays open."""
        method, path, headers = await connection.read_head()
        resource = path.removeprefix(_API)
        if (method, resource) == ("GET", "/invocation/next"):
            await self._hand_out(connection)
        elif (method, resource) == ("GET", "/restore/next"):
            self._note(lambda: setattr(self, "restores", self.restores + 1))
            connection.answer(200)
        elif resource == "/init/error":
            error = FunctionError(headers.get(_ERROR_TYPE, ""), json.loads(await connection.read_body(headers)))
            self._note(lambda: setattr(self, "_init_error", error))
            connection.answer(202)
        else:
            _, _, request_id, kind = resource.split("/")
            invocation = self._all[request_id]
            if kind == "error":
                await self._take_error(connection, invocation, headers)
            else:
                return await self._take_response(connection, invocation, headers)
        return headers.get("connection", "").lower() != "close"

    async def _hand_out(self, connection: _Connection) -> None:
        self._note(lambda: setattr(self, "_idle", self._idle + 1))
        while not self._waiting:
            self._event.clear()
            await self._event.wait()
        with self._changed:
            self._idle -= 1
            invocation = self._waiting.popleft()
        connection.answer(200, invocation.event, invocation.headers)
        self._note(lambda: setattr(invocation.recording, "delivered_at", time.perf_counter()))

    async def _take_error(self, connection: _Connection, invocation: Invocation, headers: dict[str, str]) -> None:
        document = json.loads(await connection.read_body(headers))
        error = FunctionError(str(document.get("errorType", "")), document)
        self._note(lambda: setattr(invocation.recording, "error", error))
        connection.answer(202)

    async def _take_response(self, connection: _Connection, invocation: Invocation, headers: dict[str, str]) -> bool:
        recording = invocation.recording
        recording.headers, recording.connection = headers, connection.number
        if invocation.reading is Reading.HANG_UP and invocation.read_chunks == 0:
            return False
        while (chunk := await connection.read_chunk(headers)) is not None:
            self._note(partial(recording.chunks.append, Chunk(chunk, time.perf_counter())))
            if invocation.reading is not Reading.WHOLE and len(recording.chunks) == invocation.read_chunks:
                if invocation.reading is Reading.REFUSE:
                    connection.answer(413)
                    await connection.drain()
                return False
            if "transfer-encoding" not in headers:
                break
        if "transfer-encoding" in headers:
            recording.trailers = await connection.read_fields()
        connection.answer(202)
        await connection.drain()
        self._note(lambda: setattr(recording, "is_complete", True))
        return headers.get("connection", "").lower() != "close"

    def _note(self, change: Callable[[], object]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()
