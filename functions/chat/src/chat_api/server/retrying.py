"""A retry: the old answer goes when there is something of a new one, and not before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from chatkit.types import ThreadItem, ThreadItemAddedEvent, ThreadItemDoneEvent, ThreadStreamEvent

type Remove = Callable[[ThreadItem], Awaitable[None]]
"""Takes an item out of the thread."""


async def replacing(
    old: Sequence[ThreadItem], events: AsyncIterator[ThreadStreamEvent], remove: Remove
) -> AsyncIterator[ThreadStreamEvent]:
    """The events of the new answer; before its first item `old`, newest first, is removed.

    A run that fails before leaves the thread as it was. Only a workflow that ended the old answer goes at once: the SDK
    would go on with it.
    """
    left = list(old)
    if left and left[0].type == "workflow":
        await remove(left.pop(0))
    async for event in events:
        if left and isinstance(event, ThreadItemAddedEvent | ThreadItemDoneEvent):
            for item in left:
                await remove(item)
            left.clear()
        yield event
