"""Items that were shown and are not done: what there is of them when an answer ends early."""

from collections.abc import Callable, Iterator

from chatkit.types import (
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

type Apply = Callable[[dict[str, ThreadItem], ThreadItemUpdatedEvent], None]
"""Applies an update to the one of these items that it is about."""


class Unfinished:
    """One answer's, by the events that were sent."""

    def __init__(self, apply: Apply) -> None:
        """Begin with none."""
        self._apply = apply
        self.items: dict[str, ThreadItem] = {}

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemAddedEvent(item=item):
                self.items[item.id] = item.model_copy(deep=True)
            case ThreadItemUpdatedEvent():
                # A copy: the SDK keeps track as well, and would add to the same part.
                self._apply(self.items, event.model_copy(deep=True))
            case ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
                self.items.pop(item.id, None)
            case ThreadItemRemovedEvent():
                self.items.pop(event.item_id, None)

    def done(self) -> Iterator[ThreadItemDoneEvent]:
        """The events that store what is worth it as it is."""
        return (ThreadItemDoneEvent(item=item) for item in self.items.values() if says_something(item))


def says_something(item: ThreadItem) -> bool:
    """Whether an item that is not done is worth keeping: words are; a half-made widget or workflow is not."""
    return isinstance(item, AssistantMessageItem) and any(part.text.strip() for part in item.content)
