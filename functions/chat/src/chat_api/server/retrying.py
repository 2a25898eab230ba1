"""A retry: the old answer goes when something of a new one is to be stored, and not before."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chatkit.types import (
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadStreamEvent,
    UserMessageItem,
)

from chat_api.runs.context import TurnContext
from chat_api.server.events.delivery import is_hidden
from chat_api.server.events.streams import closing
from chat_api.server.events.unfinished import Apply, Unfinished
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """Another answer to `question` in place of `old`, what follows it in the thread, newest first."""

    store: DynamoDBStore
    context: RequestContext
    question: UserMessageItem
    old: tuple[ThreadItem, ...]

    @classmethod
    async def of(
        cls,
        store: DynamoDBStore,
        thread_id: str,
        item_id: str,
        newest_first: AsyncIterator[ThreadItem],
        context: RequestContext,
    ) -> "Retry":
        """The retry of the message `item_id`. Raises NotFoundError, and ValueError where the item is no message.

        Raises Held where the old answer must stay: better now than when the model was paid for a new one.
        """
        question = await store.load_item(thread_id, item_id, context)
        if not isinstance(question, UserMessageItem):
            # As the SDK does it.
            message = "the item is not a user's message"
            raise ValueError(message)
        old: list[ThreadItem] = []
        async for item in newest_first:
            if item.id == item_id:
                break
            old.append(item)
        if old:
            await store.check_free(thread_id, context)
        if isinstance(context, TurnContext):
            context.ending.is_retry = True
        return cls(store, context, question, tuple(old))

    async def replacing(
        self, events: AsyncIterator[ThreadStreamEvent], apply: Apply
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The events of the new answer; the old one is removed before the first of them that is stored.

        Or at the end, where what there is of a new one will be. A run that ends before, however it does, leaves the
        thread as it was. One that ends while the old answer is removed leaves that first event: else there would be
        neither. `apply` is how an item changes by an update.
        """
        begun, is_there = Unfinished(apply), bool(self.old)
        try:
            async with closing(events):
                async for event in events:
                    met = None
                    if is_there:
                        # A copy: the parts of a message are changed where they are, and who delivers it changes them.
                        begun.note(event.model_copy(deep=True))
                        if _is_shown(event) or self._ends(event):
                            is_there, met = False, await self._removed()
                    yield event
                    if met is not None:
                        raise met
        finally:
            if is_there and self._keeps and any(True for _ in begun.done()):
                met = await self._removed()
                if met is not None:
                    logger.warning("an old answer is not removed: %s", type(met).__name__)

    @property
    def _keeps(self) -> bool:
        """Whether what there is of an answer that ends is stored."""
        return isinstance(self.context, TurnContext) and self.context.ending.keeps

    def _ends(self, event: ThreadStreamEvent) -> bool:
        """Whether the question itself goes, as one that a check refuses: then its old answer is none to anything."""
        return isinstance(event, ThreadItemRemovedEvent) and event.item_id == self.question.id

    async def _removed(self) -> BaseException | None:
        """Remove the old answer, which a cancellation waits for; what there is to raise when that is done."""
        removing = asyncio.create_task(self._remove())
        try:
            await asyncio.shield(removing)
        except asyncio.CancelledError as cancelled:
            await asyncio.wait({removing})
            return cancelled
        except Exception as error:  # noqa: BLE001 - it is raised by who asked
            return error
        return None

    async def _remove(self) -> None:
        for item in self.old:
            await self.store.delete_thread_item(item.thread_id, item.id, self.context)


def _is_shown(event: ThreadStreamEvent) -> bool:
    return isinstance(event, ThreadItemDoneEvent) and not is_hidden(event.item)
