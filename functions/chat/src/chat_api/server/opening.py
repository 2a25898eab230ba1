"""How a turn begins: what the user sent is stored before it is answered, and as a whole or not at all."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass

from chatkit.types import (
    ClientToolCallItem,
    HiddenContextItem,
    StructuredInputItem,
    ThreadAddClientToolOutputParams,
    ThreadAddStructuredInputParams,
    ThreadCreatedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from chat_api.server.broken import BrokenAnswers
from chat_api.server.memory.said import unanswered
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import AlreadyAnswered, ChatKitAwsError
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)

type Events = AsyncIterator[ThreadStreamEvent]
type Answered = Callable[[StructuredInputItem], Coroutine[None, None, StructuredInputItem]]
"""An item of questions with the answers of a request, where it has none yet. Raises ValueError where it has."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One turn's, around the events that the SDK makes of its request.

    `respond` answers the thread as it stands. It is needed where an answer failed after what the user sent was stored:
    the SDK takes an output of a tool and answers to questions once, and refuses them when they are sent again.
    """

    store: DynamoDBStore
    context: RequestContext
    respond: Callable[[ThreadMetadata], Events]

    async def of_thread(self, events: Events) -> AsyncGenerator[ThreadStreamEvent]:
        """A new thread, which is only there once its first message is: else it would be one without its question."""
        created, question = await whole(self._begun(events))
        yield created
        yield question
        async for event in events:
            yield event

    async def of_message(self, events: Events) -> AsyncGenerator[ThreadStreamEvent]:
        """A message in a thread: a stop that comes while it is stored leaves it there."""
        yield await whole(_next(events))
        async for event in events:
            yield event

    async def of_output(
        self, events: Events, output: ThreadAddClientToolOutputParams
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """The output of a client tool. Raises AlreadyAnswered where there is another one, ValueError for no call."""
        broken = BrokenAnswers(self.store, self.context, output.thread_id)
        try:
            first = await anext(events)
        except ValueError:
            newest, notes = await broken.newest()
            if not isinstance(newest, ClientToolCallItem) or newest.status != "completed":
                raise
            if newest.output != output.result:
                raise AlreadyAnswered from None
        else:
            yield first
            async for event in broken.noted(events):
                yield event
            return
        async for event in self._again(broken, notes):
            yield event

    async def of_answers(
        self, events: Events, given: ThreadAddStructuredInputParams, answered: Answered
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Answers to questions. Raises AlreadyAnswered where there are others, ValueError for no questions."""
        broken = BrokenAnswers(self.store, self.context, given.thread_id)
        try:
            first = await anext(events)
        except ValueError:
            item = await self.store.load_item(given.thread_id, given.item_id, self.context)
            if not isinstance(item, StructuredInputItem) or item.status == "pending":
                raise
            newest, notes = await broken.newest()
            if await answered(unanswered(item)) != item or newest != item:
                raise AlreadyAnswered from None
        else:
            yield first
            async for event in broken.noted(events):
                yield event
            return
        yield ThreadItemReplacedEvent(item=item)
        async for event in self._again(broken, notes):
            yield event

    async def _again(self, broken: BrokenAnswers, notes: list[HiddenContextItem]) -> AsyncGenerator[ThreadStreamEvent]:
        """Another answer, in place of what is left of those that broke off."""
        async for removed in broken.removed(notes):
            yield removed
        answer = self.respond(await self.store.load_thread(broken.thread_id, self.context))
        async for event in broken.noted(answer):
            yield event

    async def _begun(self, events: Events) -> tuple[ThreadStreamEvent, ThreadStreamEvent]:
        """The first two events of a new thread: that there is one, and its question."""
        created = await anext(events)
        try:
            return created, await anext(events)
        except Exception:
            await self._take_back(created)
            raise

    async def _take_back(self, created: ThreadStreamEvent) -> None:
        assert isinstance(created, ThreadCreatedEvent)  # noqa: S101 - the SDK's first event
        try:
            await self.store.delete_thread(created.thread.id, self.context)
        except ChatKitAwsError as error:
            logger.warning("a thread without a message is left: %s", type(error).__name__)


async def whole[T](step: Coroutine[None, None, T]) -> T:
    """What a step comes to, which a cancellation waits for: what is being written is written, heard of or not."""
    task = asyncio.create_task(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.result()
        raise


async def _next(events: Events) -> ThreadStreamEvent:
    return await anext(events)
