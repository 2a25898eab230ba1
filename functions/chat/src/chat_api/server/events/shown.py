"""What an answer has shown: its items, and the words of its messages."""

from collections import defaultdict
from collections.abc import Iterator

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chat_api.server.events.delivery import is_hidden


def is_said(event: ThreadStreamEvent) -> bool:
    """Whether an event is more than a sign of work: it shows or changes an item."""
    match event:
        case ThreadItemAddedEvent(item=item) | ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
            return not is_hidden(item)
    return isinstance(event, ThreadItemUpdatedEvent)


class Shown:
    """One answer's, by the events that were sent."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._parts: dict[str, defaultdict[int, str]] = {}

    @property
    def texts(self) -> list[str]:
        """The messages, also one that is not done."""
        return ["".join(text for _, text in sorted(parts.items())) for parts in self._parts.values()]

    def removed(self) -> Iterator[ThreadItemRemovedEvent]:
        """The events that take all of it back."""
        for item_id in self._parts:
            yield ThreadItemRemovedEvent(item_id=item_id)

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event."""
        match event:
            case ThreadItemAddedEvent(item=item) | ThreadItemDoneEvent(item=item):
                self._see(item)
            case ThreadItemUpdatedEvent(item_id=item_id, update=update) if item_id in self._parts:
                self._change(self._parts[item_id], update)
            case ThreadItemRemovedEvent(item_id=item_id):
                self._parts.pop(item_id, None)

    def _see(self, item: ThreadItem) -> None:
        """What is hidden is not shown: calls of tools that were carried out stay, whatever was said of them."""
        if not is_hidden(item):
            content = item.content if isinstance(item, AssistantMessageItem) else []
            self._parts[item.id] = defaultdict(str, {at: part.text for at, part in enumerate(content)})

    @staticmethod
    def _change(parts: defaultdict[int, str], update: ThreadItemUpdate) -> None:
        match update:
            case AssistantMessageContentPartAdded(content_index=at, content=content):
                parts[at] = content.text
            case AssistantMessageContentPartTextDelta(content_index=at, delta=delta):
                parts[at] += delta
            case AssistantMessageContentPartDone(content_index=at, content=content):
                parts[at] = content.text
