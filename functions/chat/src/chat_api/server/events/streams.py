"""Streams of events that are closed as soon as nobody reads them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def closing[T](events: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """The events, closed at the end of the block: a generator that is left in the middle goes on when it likes.

    What it does at its end, such as telling what was used, would come too late to be counted.
    """
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
