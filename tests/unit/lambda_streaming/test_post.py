import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from lambda_streaming.errors import ClientDisconnected
from lambda_streaming.post import ResponsePost, encode_chunk, encode_trailers

MORE_THAN_SOCKETS_HOLD = b"x" * 2**25
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def connected(peer: Peer) -> AsyncIterator[tuple[ResponsePost, asyncio.Event]]:
    """A post to a server that does what `peer` does, and the event that it is told of a disconnect by."""
    disconnected = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await peer(reader, writer)  # type: ignore[misc] # a coroutine function
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    post = await ResponsePost.open(f"{host}:{port}", "request", None, disconnected.set)
    try:
        yield post, disconnected
    finally:
        post.close()
        server.close()


def test_chunk_has_its_size_in_hexadecimal() -> None:
    assert encode_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_trailers_are_two_lines_whatever_the_message() -> None:
    error_type, body, rest = encode_trailers(ValueError("a\r\nb\u20ac" + "x" * 9000), "id").split(b"\r\n")
    assert (error_type, rest) == (b"Lambda-Runtime-Function-Error-Type: Function.ValueError", b"")
    document = json.loads(base64.b64decode(body.partition(b": ")[2]))
    assert (document["errorType"], document["requestId"]) == ("ValueError", "id")
    assert document["errorMessage"].startswith("a\r\nb\u20acxxx")
    assert len(document["errorMessage"]) == 2048


@pytest.mark.anyio
async def test_writer_waits_until_the_reader_has_caught_up() -> None:
    may_read = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        await reader.readuntil(b"\r\n")
        await reader.readexactly(len(MORE_THAN_SOCKETS_HOLD))

    async with connected(peer) as (post, _):
        writing = asyncio.ensure_future(post.write(MORE_THAN_SOCKETS_HOLD))
        for _turn in range(10):
            await asyncio.sleep(0)
        assert not writing.done()
        may_read.set()
        await writing


@pytest.mark.anyio
async def test_writer_that_waits_learns_that_the_reader_has_gone() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with connected(peer) as (post, disconnected):
        await post.write(MORE_THAN_SOCKETS_HOLD)
        await disconnected.wait()
        with pytest.raises(ClientDisconnected):
            await post.write(b"more")


@pytest.mark.anyio
async def test_answer_before_the_end_is_a_disconnect() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Request Entity Too Large\r\n\r\n")

    async with connected(peer) as (post, disconnected):
        await disconnected.wait()
        assert await post.answered() == 413


@pytest.mark.anyio
async def test_answer_after_the_end_is_its_status() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"0\r\n\r\n") == b"4\r\npart\r\n0\r\n\r\n"
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    async with connected(peer) as (post, disconnected):
        await post.write(b"part")
        post.finish()
        assert await post.answered() == 202
        assert not disconnected.is_set()


@pytest.mark.anyio
async def test_connection_that_ends_without_an_answer_has_no_status() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"0\r\n\r\n")

    async with connected(peer) as (post, _):
        post.finish()
        assert await post.answered() is None
