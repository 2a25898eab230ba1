"""How a turn's events reach the client, and what becomes of them where it ends early."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import override

from chatkit.server import ChatKitServer, agents_sdk_user_agent_override
from chatkit.store import AttachmentStore
from chatkit.types import (
    StreamingReq,
    StreamOptionsEvent,
    Thread,
    ThreadItem,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)
from pydantic import BaseModel

from chat_api.runs.context import TurnContext
from chat_api.server.assistant import Assistant
from chat_api.server.events.delivery import Delivery
from chat_api.server.events.images import as_shown
from chat_api.server.events.streams import closing
from chat_api.server.events.updates import updated
from chat_api.wire import in_utc
from chat_api.words import Words
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images

logger = logging.getLogger(__name__)


class DeliveringServer(ChatKitServer[RequestContext]):
    """Decides how events and items are sent and stored, whatever they answer."""

    store: DynamoDBStore

    def __init__(
        self,
        store: DynamoDBStore,
        assistant: Assistant,
        attachment_store: AttachmentStore[RequestContext] | None = None,
        images: Images | None = None,
    ) -> None:
        """Serve `assistant`'s answers from `store`; without an attachment store there are no attachments.

        The images that it makes are kept in `images`; without them, none is shown.
        """
        super().__init__(store, attachment_store)
        self._store = store
        self._assistant = assistant
        self.images = images

    @override
    async def _process_events(
        self,
        thread: ThreadMetadata,
        context: RequestContext,
        stream: Callable[[], AsyncIterator[ThreadStreamEvent]],
    ) -> AsyncIterator[ThreadStreamEvent]:
        """As the SDK does it, but for what `Delivery` does beyond it, and for how a turn ends early."""
        assert isinstance(context, TurnContext)  # noqa: S101 - a turn has no other
        yield StreamOptionsEvent(stream_options=self.get_stream_options(thread, context))
        delivery = Delivery(self._store, thread, context, self._update_pending_items, self._to_thread_response)
        try:
            with agents_sdk_user_agent_override():
                async for event in delivery.sent(stream()):
                    yield event
            context.ending.raise_cancelled()
        except (asyncio.CancelledError, Exception) as error:
            await context.ending.store()
            async for event in delivery.rest():
                yield event
            if isinstance(error, asyncio.CancelledError):
                await self._note_stop(thread, context)
                raise
            ending = context.ending
            yield Words.of(context).told(error, is_final=ending.is_final, is_gone=ending.is_taken_back)

    async def _note_stop(self, thread: ThreadMetadata, context: TurnContext) -> None:
        """Where the user wanted no more of an answer, the model is told so."""
        if context.ending.cause != "stopped":
            return
        try:
            await self.handle_stream_cancelled(thread, [], context)
        except ChatKitAwsError as error:
            logger.warning("the model is not told that it was stopped: %s", type(error).__name__)

    @override
    def _update_pending_items(self, pending_items: dict[str, ThreadItem], event: ThreadItemUpdatedEvent) -> None:
        """As the SDK does it, and widgets and images too."""
        super()._update_pending_items(pending_items, event)
        if event.item_id in pending_items:
            pending_items[event.item_id] = updated(pending_items[event.item_id], event.update)

    @override
    async def _process_streaming(self, request: StreamingReq, context: RequestContext) -> AsyncGenerator[bytes]:
        """As the SDK does it, which would log whatever is raised: refusals too, and errors a second time."""
        async with closing(self._process_streaming_impl(request, context)) as events:
            async for event in events:
                yield b"data: " + self._serialize(event) + b"\n\n"

    @override
    def _to_thread_response(self, thread: ThreadMetadata | Thread) -> Thread:
        """As the SDK does it, and with the domains from which images may be shown."""
        return as_shown(thread, super()._to_thread_response(thread).items, self._assistant.image_domains)

    @override
    def _serialize(self, obj: BaseModel) -> bytes:
        return super()._serialize(in_utc(obj))
