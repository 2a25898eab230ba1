"""Items as they were first seen: one id and one time from their first event to the stored row."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from chatkit.store import StoreItemType
from chatkit.types import (
    ClientToolCallItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chat_api.server.events.streams import closing
from chat_api.server.events.wholeness import whole

_NAMED_BY_THE_MODEL: dict[str, StoreItemType] = {"assistant_message": "message", "client_tool_call": "tool_call"}
"""Items whose ids the SDK takes from the model; all others have one of the store's."""


class Sightings:
    """What one turn has shown so far; made anew for each turn.

    - The SDK stamps an item again when it is done: a reload would show another order than was streamed.
    - A model's ids are no ids: those behind Chat Completions are all the same, a compatible server may count from one,
      and of two items with one id the store keeps the first. So these items get ids of ours, and so do the calls of
      client tools, by which a model later tells which result is whose.
    """

    def __init__(self, new_id: Callable[[StoreItemType], str]) -> None:
        """Begin a turn; `new_id` makes ids as the store does."""
        self._new_id = new_id
        self._ids: dict[str, list[str]] = {}
        self._open: set[str] = set()
        self._times: dict[str, datetime] = {}

    async def keep(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, with each item's id and time as at first sight."""
        async with closing(events):
            async for event in events:
                if isinstance(event, ThreadItemRemovedEvent):
                    # A guardrail takes back all that had the model's id.
                    for item_id in self._ids.get(event.item_id, [event.item_id]):
                        yield ThreadItemRemovedEvent(item_id=item_id)
                else:
                    yield self._kept(whole(event))

    def _kept(self, event: ThreadStreamEvent) -> ThreadStreamEvent:
        match event:
            case ThreadItemAddedEvent():
                self._see(event.item)
                return event.model_copy(update={"item": self._item(event.item)})
            case ThreadItemDoneEvent():
                self._see(event.item)
                self._open.discard(event.item.id)
                return event.model_copy(update={"item": self._item(event.item)})
            case ThreadItemReplacedEvent():
                return event.model_copy(update={"item": self._item(event.item)})
            case ThreadItemUpdatedEvent():
                return event.model_copy(update={"item_id": self._id(event.item_id)})
        return event

    def _see(self, item: ThreadItem) -> None:
        """Name an item that comes up for the first time, or again after it was done: then it is another one."""
        if item.type in _NAMED_BY_THE_MODEL and item.id not in self._open:
            self._ids.setdefault(item.id, []).append(self._new_id(_NAMED_BY_THE_MODEL[item.type]))
            self._open.add(item.id)

    def _id(self, item_id: str) -> str:
        return self._ids.get(item_id, [item_id])[-1]

    def _item(self, item: ThreadItem) -> ThreadItem:
        item_id = self._id(item.id)
        changes: dict[str, object] = {"id": item_id, "created_at": self._times.setdefault(item_id, item.created_at)}
        if isinstance(item, ClientToolCallItem):
            changes["call_id"] = item_id
        return item.model_copy(update=changes)
