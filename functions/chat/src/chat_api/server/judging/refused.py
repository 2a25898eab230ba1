"""What becomes of what the user said where a check refuses it."""

from collections.abc import Callable, Iterator, Sequence

from chatkit.types import (
    StructuredInputItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadStreamEvent,
)

from chat_api.server.memory.said import unanswered


def refused(said: Sequence[ThreadItem], new_id: Callable[[], str]) -> Iterator[ThreadStreamEvent]:
    """Take back all that was judged: else the model would be shown it with the next question, or that be refused too.

    Questions are asked again, as an item of its own: what was answered once, the store keeps as it is.
    """
    for item in said:
        yield ThreadItemRemovedEvent(item_id=item.id)
        if isinstance(item, StructuredInputItem):
            yield ThreadItemDoneEvent(item=unanswered(item).model_copy(update={"id": new_id()}))
