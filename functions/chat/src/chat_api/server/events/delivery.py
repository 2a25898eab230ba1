"""The events of a turn on their way to the user: each is carried out in the store before it is sent."""

import logging
from collections.abc import AsyncIterator, Callable

from chatkit.store import NotFoundError
from chatkit.types import (
    HiddenContextItem,
    SDKHiddenContextItem,
    Thread,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    ThreadUpdatedEvent,
)

from chat_api.runs.context import TurnContext
from chat_api.server.events.streams import closing
from chat_api.server.events.unfinished import Apply, Unfinished
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)


def is_hidden(item: ThreadItem) -> bool:
    """Whether an item is for the model only."""
    return isinstance(item, HiddenContextItem | SDKHiddenContextItem)


class Delivery:
    """One turn's, as the SDK's server does it, and beyond it.

    - Hidden items stay hidden however they are announced; the SDK hides them only when they are done.
    - An update of an item that is stored is stored, so that a reload shows the same.
    - What ends an answer early leaves what the user saw, and an event says what it was. So does its end: a tool that
      ran out of time does not finish its widget, nor an answer that waits for the page its workflow.
    """

    def __init__(
        self,
        store: DynamoDBStore,
        thread: ThreadMetadata,
        context: TurnContext,
        apply: Apply,
        shown: Callable[[ThreadMetadata], Thread],
    ) -> None:
        """Deliver to who asked in `context`; `apply` is how an item changes by an update, `shown` a thread as seen."""
        self._store = store
        self._thread = thread
        self._context = context
        self._apply = apply
        self._shown = shown
        self._unfinished = Unfinished(apply)
        self._hidden: set[str] = set()
        self._stored = thread.model_copy(deep=True)

    async def sent(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The events that the user gets, and one for each change of the thread. Raises as `events` and the store do."""
        async with closing(events):
            async for unplaced in events:
                event = self._placed(unplaced)
                await self._carry_out(event)
                self._unfinished.note(event)
                if not self._hides(event):
                    yield event
                async for change in self._thread_changes():
                    yield change
        async for done in self.rest():
            yield done
        async for change in self._thread_changes():
            yield change

    async def rest(self) -> AsyncIterator[ThreadStreamEvent]:
        """What the user saw of items that are not done, stored as it is, and what the assistant changed of the thread.

        Nothing of what the store does not take.
        """
        for done in self._unfinished.done() if self._context.ending.keeps else ():
            try:
                await self._carry_out(done)
            except ChatKitAwsError as error:
                logger.warning("what there is of an answer is not kept: %s", type(error).__name__)
                continue
            self._unfinished.note(done)
            yield done
        try:
            async for change in self._thread_changes():
                yield change
        except ChatKitAwsError as error:
            logger.warning("a change of the thread is not kept: %s", type(error).__name__)

    async def _thread_changes(self) -> AsyncIterator[ThreadUpdatedEvent]:
        """The assistant changes the thread, its title for one, by changing the object."""
        if self._thread != self._stored:
            self._thread.id, self._thread.created_at = self._stored.id, self._stored.created_at
            self._stored = self._thread.model_copy(deep=True)
            await self._store.save_thread(self._stored, self._context)
            # As it is stored: the title may be one that the user gave meanwhile.
            stored = await self._store.load_thread(self._stored.id, self._context)
            yield ThreadUpdatedEvent(thread=self._shown(stored))

    def _placed(self, event: ThreadStreamEvent) -> ThreadStreamEvent:
        """An event of this thread: whatever its sender says, it is stored here, and a reload shows it here."""
        match event:
            case ThreadItemAddedEvent(item=item) | ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
                if item.thread_id != self._stored.id:
                    return event.model_copy(update={"item": item.model_copy(update={"thread_id": self._stored.id})})
        return event

    async def _carry_out(self, event: ThreadStreamEvent) -> None:
        thread_id, context = self._stored.id, self._context
        match event:
            case ThreadItemDoneEvent(item=item):
                await self._store.add_thread_item(thread_id, item, context)
            case ThreadItemReplacedEvent(item=item):
                await self._store.save_item(thread_id, item, context)
            case ThreadItemRemovedEvent(item_id=item_id):
                await self._store.delete_thread_item(thread_id, item_id, context)
            case ThreadItemUpdatedEvent(item_id=item_id) if item_id not in self._unfinished:
                await self._update(event)

    async def _update(self, event: ThreadItemUpdatedEvent) -> None:
        """Change an item that is stored. One that is not is the sender's mistake, and no reason to end the answer."""

        def changed(item: ThreadItem) -> ThreadItem:
            items = {event.item_id: item}
            self._apply(items, event)
            return items[event.item_id]

        try:
            await self._store.change_item(self._stored.id, event.item_id, changed, self._context)
        except NotFoundError:
            logger.warning("an update of an item that is not stored: %s", event.update.type)

    def _hides(self, event: ThreadStreamEvent) -> bool:
        match event:
            case ThreadItemAddedEvent(item=item) | ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
                if is_hidden(item):
                    self._hidden.add(item.id)
                    return True
            case ThreadItemUpdatedEvent(item_id=item_id) | ThreadItemRemovedEvent(item_id=item_id):
                return item_id in self._hidden
        return False
