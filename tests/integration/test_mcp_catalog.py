"""Lists of tools are kept: each user's by themselves, for a while, not too many, and asked for once at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from chat_api.mcp_client.catalog import COOL_DOWN_SECONDS, KEEP_SECONDS, Catalog
from chat_api.mcp_client.connection import Connection
from chat_testing import raw_mcp
from chat_testing.builders import context
from chat_testing.raw_mcp import RawServer, saying, tool
from chatkit_aws.context import RequestContext

ALICE = context("alice", "north")


@dataclass
class Kept:
    """A catalog and its one server, at a time that the test sets."""

    server: RawServer
    connection: Connection
    most: int
    now: float = 0.0

    def __post_init__(self) -> None:
        self.catalog = Catalog(lambda: self.now, self.most)

    async def names(self, who: RequestContext = ALICE) -> list[str] | None:
        """The tools that somebody may see, by the token that they came with."""
        listed = await self.catalog.tools(self.connection, replace(who, access_token=f"{who.tenant_id}/{who.user_id}"))
        return None if listed is None else [one.name for one in listed]

    @property
    def lists(self) -> int:
        """How often it was asked for a list."""
        return self.server.asked.count("tools/list")


@asynccontextmanager
async def keeping(server: RawServer, most: int = 100, **said: Any) -> AsyncIterator[Kept]:
    async with asyncio.timeout(60), raw_mcp.serving(server):
        kept = Kept(server, Connection(server.config(**said), 600), most)
        try:
            yield kept
        finally:
            await kept.catalog.close()
            await kept.connection.close()


def by_token() -> RawServer:
    """A server that shows each user a tool of their own."""

    async def listed(request: Request, request_id: Any) -> Response:
        return saying(request_id, tools=[tool(request.headers["authorization"].rpartition("/")[0].split()[1])])

    return RawServer(on_list=listed)


async def test_same_name_in_another_tenant_is_another_user() -> None:
    async with keeping(by_token(), tools=("north", "south"), caller_token=True) as kept:
        assert await kept.names() == ["north"]
        assert await kept.names(context("alice", "south")) == ["south"]
        assert await kept.names() == ["north"]
    assert kept.lists == 2


async def test_users_at_once_are_not_shown_each_other_s_list() -> None:
    async with keeping(by_token(), tools=("north", "south"), caller_token=True) as kept:
        asked = [kept.names(context("alice", tenant)) for tenant in ("north", "south") * 3]
        assert await asyncio.gather(*asked) == [["north"], ["south"]] * 3
    assert kept.lists == 2


async def test_list_of_a_server_without_tokens_is_everybody_s() -> None:
    async with keeping(RawServer()) as kept:
        assert await kept.names() == await kept.names(context("bob", "south")) == ["find"]
    assert kept.lists == 1


async def test_list_is_asked_for_again_when_it_is_old() -> None:
    async with keeping(RawServer()) as kept:
        for kept.now in (0.0, KEEP_SECONDS - 1):
            assert await kept.names() == ["find"]
        assert kept.lists == 1
        kept.server.pages = [[]]
        kept.now = KEEP_SECONDS
        assert await kept.names() == []
    assert kept.lists == 2


async def test_server_that_failed_is_left_alone_for_a_while() -> None:
    async def fail(_request: Request, _id: Any) -> Response:
        return Response(status_code=500)

    async with keeping(RawServer(on_list=fail)) as kept:
        for kept.now in (0.0, COOL_DOWN_SECONDS - 1):
            assert await asyncio.gather(*(kept.names() for _ in range(3))) == [None] * 3
        assert kept.lists == 1
        kept.server.on_list = None
        kept.now = COOL_DOWN_SECONDS
        assert await kept.names() == ["find"]


async def test_oldest_list_is_forgotten_where_there_are_too_many() -> None:
    alice, bob, carol = (context(name, "north") for name in ("alice", "bob", "carol"))
    async with keeping(by_token(), most=2, tools=("north",), caller_token=True) as kept:
        await kept.names(alice)
        kept.now = KEEP_SECONDS / 2
        await kept.names(bob)
        kept.now = KEEP_SECONDS
        await kept.names(alice)  # asked for again: bob's is the oldest now, and still good
        await kept.names(carol)
        assert kept.lists == 4
        await kept.names(alice)
        assert kept.lists == 4
        await kept.names(bob)
    assert kept.lists == 5


async def test_turns_at_once_ask_once_whoever_of_them_goes_away() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request, request_id: Any) -> Response:
        asked.set()
        await go_on.wait()
        return saying(request_id, tools=[tool()])

    async with keeping(RawServer([[tool()]], on_list=slow)) as kept:
        first, *others = [asyncio.create_task(kept.names()) for _ in range(10)]
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        assert await asyncio.gather(*others) == [["find"]] * 9
    assert kept.lists == 1


async def test_closing_waits_for_no_list() -> None:
    asked = asyncio.Event()

    async def hang(request: Request, _id: Any) -> Response:
        asked.set()
        await request.receive()  # until who asked has gone
        return Response()

    async with keeping(RawServer(on_list=hang)) as kept:
        asking = asyncio.create_task(kept.names())
        await asked.wait()
        await kept.catalog.close()
        with pytest.raises(asyncio.CancelledError):
            await asking
