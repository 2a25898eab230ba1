"""A client that closes its connection in mid-answer, with a real web server in between."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.web.claims import HEADER
from chat_testing.app import App, application
from chat_testing.builders import context
from chat_testing.chat import message, request
from chat_testing.models import PausingModels
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here
from chatkit_aws.store import DynamoDBStore

TEXT = "What there is of the answer"
CREATE = json.dumps(request("threads.create", input=message("Hello"))).encode()
RUN = "the-run-of-a-page-1"
USER = context("alice", "default")
PATIENCE_SECONDS = 20


@dataclass
class Reader:
    """A client that has sent a request and reads what comes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read_until(self, text: str) -> None:
        """Read until a text has come."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.reader.readuntil(text.encode())

    async def rest(self) -> bytes:
        """All that comes, until the server has said all."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()

    async def leave(self) -> None:
        """Close the connection at once."""
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Served:
    """An application behind a web server, whose model pauses after its text."""

    app: App
    models: PausingModels
    store: DynamoDBStore
    port: int

    async def ask(self) -> Reader:
        """Have alice send her message."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            "POST /chatkit HTTP/1.1", "Host: x", "Connection: close", f"{HEADER}: {RUN}",
            "Content-Type: application/json", f"Content-Length: {len(CREATE)}",
            f"Authorization: Bearer {self.app.issuer.mint('alice')}",
        ]  # fmt: skip
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + CREATE)
        return Reader(reader, writer)

    async def kept(self) -> list[str]:
        """The types of what is stored of the thread, once its run is over."""
        [thread] = (await self.store.load_threads(10, None, "asc", USER)).data
        alice = self.app.user("alice")
        await alice.post(json.dumps({"thread_id": thread.id}).encode(), path="/chatkit/resume")
        page = await self.store.load_thread_items(thread.id, None, 10, "asc", USER)
        texts = [getattr(item, "content", "") for item in page.data]
        assert TEXT in str(texts)
        return [item.type for item in page.data]


@pytest.fixture
def stop_on_disconnect() -> bool:
    return True


@pytest.fixture
async def served(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, stop_on_disconnect: bool
) -> AsyncIterator[Served]:
    models = PausingModels()
    models.say(TEXT)
    made = application(table_name, dynamodb, issuer, models, stop_on_disconnect=stop_on_disconnect)
    asgi = made.http._transport.app  # type: ignore[attr-defined]  # what the client in process talks to
    async with made.http, serving_here(asgi) as port:
        yield Served(made, models, DynamoDBStore(table_name, dynamodb), port)


async def test_client_that_leaves_stops_the_turn_where_it_is_to(served: Served) -> None:
    client = await served.ask()
    await client.read_until(TEXT)
    await client.leave()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await served.models.model.ended.wait()
    assert not served.models.model.go_on.is_set()
    assert await served.kept() == ["user_message", "assistant_message", "sdk_hidden_context"]


@pytest.mark.parametrize("stop_on_disconnect", [False])
async def test_client_that_leaves_has_the_answer_finished_otherwise(served: Served) -> None:
    client = await served.ask()
    await client.read_until(TEXT)
    await client.leave()
    await asyncio.sleep(0.3)  # the server's time to notice
    assert not served.models.model.ended.is_set()
    served.models.model.go_on.set()
    assert await served.kept() == ["user_message", "assistant_message"]


async def test_client_that_only_repeats_a_request_stops_nothing(
    served: Served, table_name: str, dynamodb: DynamoDBClient
) -> None:
    client = await served.ask()
    await client.read_until(TEXT)
    follower = await served.ask()
    await follower.read_until(TEXT)
    await follower.leave()
    await asyncio.sleep(0.3)  # the server's time to notice
    assert not served.models.model.ended.is_set()
    served.models.model.go_on.set()
    assert b"thread.item.done" in await client.rest()
    await client.leave()
    assert await served.kept() == ["user_message", "assistant_message"]


async def test_client_that_leaves_in_its_request_is_no_failure(served: Served, log: io.StringIO) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    lines = [
        "POST /chatkit HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 100",
        f"Authorization: Bearer {served.app.issuer.mint('alice')}",
    ]  # fmt: skip
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.3)  # the server's time to begin to read
    writer.transport.abort()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not log.getvalue():  # noqa: ASYNC110 - it is the server that writes it
            await asyncio.sleep(0.02)
    [line] = map(json.loads, log.getvalue().splitlines())
    assert (line["level"], line["status"]) == ("INFO", 400)
