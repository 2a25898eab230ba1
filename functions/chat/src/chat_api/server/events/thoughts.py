"""Thoughts of the model on their way to the page: each update has all that was thought so far."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from chatkit.types import ThoughtTask, ThreadItemUpdatedEvent, ThreadStreamEvent, WorkflowTaskUpdated

from chat_api.server.events.streams import closing

_GROWTH = 1.1
"""How much longer a thought is when it is sent again: all updates together are then as long as eleven thoughts,
however small the steps are in which it grows."""


@dataclass(frozen=True, slots=True)
class _Thought:
    """Which thought an update is of, and how long it is by now."""

    item_id: str
    index: int
    length: int

    @classmethod
    def of(cls, event: ThreadStreamEvent) -> "_Thought | None":
        match event:
            case ThreadItemUpdatedEvent(update=WorkflowTaskUpdated(task=ThoughtTask(content=content)) as update):
                return cls(event.item_id, update.task_index, len(content))
        return None

    def continues(self, sent: "_Thought | None") -> bool:
        """Whether it is the one that was sent before, and longer."""
        return sent is not None and (self.item_id, self.index) == (sent.item_id, sent.index)

    def can_wait(self, sent: "_Thought | None") -> bool:
        """Whether it is hardly more than what was sent."""
        return sent is not None and self.continues(sent) and self.length < sent.length * _GROWTH


async def sparse(events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
    """The events without updates of a thought that its next one makes needless; before anything else comes its last."""
    sent: _Thought | None = None
    waiting: ThreadStreamEvent | None = None
    async with closing(events):
        async for event in events:
            thought = _Thought.of(event)
            if thought and thought.can_wait(sent):
                waiting = event
                continue
            if waiting and not (thought and thought.continues(sent)):
                yield waiting
            sent, waiting = thought, None
            yield event
    if waiting:
        yield waiting
