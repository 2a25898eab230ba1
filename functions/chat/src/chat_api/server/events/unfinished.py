"""Items that were shown and are not done: what there is of them when an answer ends early."""

from collections.abc import Callable, Iterator
from datetime import datetime

from chatkit.types import (
    AssistantMessageItem,
    DurationSummary,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WidgetItem,
    WorkflowItem,
)

from chat_api.server.events.updates import at_rest
from chatkit_aws.store.keys import naive_utc

type Apply = Callable[[dict[str, ThreadItem], ThreadItemUpdatedEvent], None]
"""Applies an update to the one of these items that it is about."""


class Unfinished:
    """One answer's, by the events that were sent."""

    def __init__(self, apply: Apply) -> None:
        """Begin with none."""
        self._apply = apply
        self._items: dict[str, ThreadItem] = {}

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemAddedEvent(item=item):
                # A copy: who made the item goes on with it.
                self._items[item.id] = item.model_copy(deep=True)
            case ThreadItemUpdatedEvent():
                self._apply(self._items, event)
            case ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
                self._items.pop(item.id, None)
            case ThreadItemRemovedEvent():
                self._items.pop(event.item_id, None)

    def done(self) -> Iterator[ThreadItemDoneEvent]:
        """The events that store what the user saw as it is, in the order in which it came."""
        for item in list(self._items.values()):
            match item:
                case AssistantMessageItem() if any(part.text.strip() for part in item.content):
                    yield ThreadItemDoneEvent(item=item)
                case WidgetItem():
                    yield ThreadItemDoneEvent(item=at_rest(item))
                case WorkflowItem() if item.workflow.tasks:
                    yield ThreadItemDoneEvent(item=_closed(item))


def _closed(item: WorkflowItem) -> WorkflowItem:
    """A workflow that has ended: the SDK would go on with an open one in the next turn."""
    seconds = int((datetime.now() - naive_utc(item.created_at)).total_seconds())  # noqa: DTZ005 - the SDK's is naive
    summary = item.workflow.summary or DurationSummary(duration=seconds)
    return item.model_copy(
        update={"workflow": item.workflow.model_copy(update={"summary": summary, "expanded": False})}
    )
