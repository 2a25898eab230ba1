"""A place in an answer where it waits for the test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Pause:
    """A place in an answer where it waits until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.reached.set()
        await self.released.wait()

    async def meanwhile(self, running: Awaitable[Any], doing: Callable[[], Awaitable[Any]]) -> Any:
        """Do something while `running` waits here; what `running` came to."""
        task = asyncio.ensure_future(running)
        await self.reached.wait()
        await doing()
        self.released.set()
        return await task
