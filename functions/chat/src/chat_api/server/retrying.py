"""A retry: the old answer goes when there is something of a new one, and not before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from chatkit.types import ThreadItem, ThreadItemDoneEvent, ThreadItemUpdatedEvent, ThreadStreamEvent, UserMessageItem

from chat_api.server.streams import closing
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore


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
        return cls(store, context, question, tuple(old))

    async def replacing(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The events of the new answer; before its first words the old ones are removed.

        A run that fails before leaves the thread as it was. Only a workflow that ended the old answer goes at once: the
        SDK would go on with it.
        """
        left = list(self.old)
        if left and left[0].type == "workflow":
            await self._remove(left.pop(0))
        async with closing(events):
            async for event in events:
                if left and isinstance(event, ThreadItemUpdatedEvent | ThreadItemDoneEvent):
                    for item in left:
                        await self._remove(item)
                    left.clear()
                yield event

    async def _remove(self, item: ThreadItem) -> None:
        await self.store.delete_thread_item(item.thread_id, item.id, self.context)
