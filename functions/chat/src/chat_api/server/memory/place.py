"""Where an item of calls belongs among the thread's items, which are in the order of their times."""

from datetime import datetime, timedelta

from chatkit.types import (
    AssistantMessageItem,
    StructuredInputItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
    WorkflowItem,
)

_MOMENT = timedelta(microseconds=1)


class Place:
    """That of the next item of one turn: where its first call was done, unless something has to come after it.

    After it come questions, since what the user answers is the last that the model is told; and an open workflow, since
    ChatKit's SDK goes on with that where only a call of the page's follows it (1.6.5).
    """

    def __init__(self) -> None:
        """Begin before any call."""
        self._first: datetime | None = None
        self._workflow: WorkflowItem | None = None
        self._questions: StructuredInputItem | None = None

    def note_call(self) -> None:
        """Take note that a call was done."""
        self._first = self._first or datetime.now()  # noqa: DTZ005 - the SDK's is naive

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of what the thread gets besides calls."""
        match event:
            case ThreadItemAddedEvent(item=WorkflowItem() as workflow):
                self._workflow = workflow
            case ThreadItemDoneEvent(item=WorkflowItem()):
                self._workflow = None
            case ThreadItemDoneEvent(item=StructuredInputItem() as questions):
                self._questions = self._questions or questions
            case ThreadItemDoneEvent(item=AssistantMessageItem()):
                self._questions = None

    def take(self) -> datetime:
        """The time that an item gets; the next one's begins with the next call."""
        times = [item.created_at - _MOMENT for item in (self._workflow, self._questions) if item is not None]
        if self._first is not None:
            times.append(self._first)
        self._first = None
        return min(times)
