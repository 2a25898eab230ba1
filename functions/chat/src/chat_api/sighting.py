"""Items as they were first seen: one id and one time from their first event to the stored row."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from agents.models.fake_id import FAKE_RESPONSES_ID
from chatkit.types import (
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)


class Sightings:
    """What one turn has shown so far; made anew for each turn.

    The SDK stamps an item again when it is done, so that a reload would show another order than was streamed; and
    models behind Chat Completions give every message the same id, so that the second would be lost.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        """Begin a turn; `new_id` makes an id for a message that came without one of its own."""
        self._new_id = new_id
        self._ids: dict[str, str] = {}
        self._times: dict[str, datetime] = {}

    async def keep(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, with each item's id and time as at first sight."""
        async for event in events:
            yield self._kept(event)

    def _kept(self, event: ThreadStreamEvent) -> ThreadStreamEvent:
        match event:
            case ThreadItemAddedEvent() | ThreadItemReplacedEvent():
                return event.model_copy(update={"item": self._item(event.item)})
            case ThreadItemDoneEvent():
                item = self._item(event.item)
                self._ids.pop(event.item.id, None)
                return event.model_copy(update={"item": item})
            case ThreadItemUpdatedEvent() | ThreadItemRemovedEvent():
                return event.model_copy(update={"item_id": self._id(event.item_id)})
        return event

    def _id(self, item_id: str) -> str:
        if item_id and item_id != FAKE_RESPONSES_ID:
            return item_id
        if item_id not in self._ids:
            self._ids[item_id] = self._new_id()
        return self._ids[item_id]

    def _item(self, item: ThreadItem) -> ThreadItem:
        item_id = self._id(item.id)
        created_at = self._times.setdefault(item_id, item.created_at)
        if (item_id, created_at) == (item.id, item.created_at):
            return item
        return item.model_copy(update={"id": item_id, "created_at": created_at})
