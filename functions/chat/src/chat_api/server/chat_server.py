"""The ChatKit server: the SDK's protocol over our store and assistant."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, override

from chatkit.actions import Action
from chatkit.types import (
    AudioInput,
    FeedbackKind,
    ItemsListParams,
    ItemsListReq,
    NonStreamingReq,
    SyncCustomActionResponse,
    Thread,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsUpdateReq,
    TranscriptionResult,
    WidgetItem,
)

from chat_api.operation import Operation
from chat_api.problems import Unsupported
from chat_api.runs.context import TurnContext
from chat_api.server.admission import UNKNOWN_ACTION, check
from chat_api.server.answering import AnsweringServer
from chat_api.server.at_once import done_at_once
from chat_api.server.events.visible import visible_items
from chat_api.toolkit.calls import ActionCall
from chatkit_aws.context import RequestContext
from chatkit_aws.record import current_record

logger = logging.getLogger(__name__)

_FEEDBACK: Mapping[FeedbackKind, str] = {"positive": "PositiveFeedback", "negative": "NegativeFeedback"}
"""The metrics that count it."""


class ChatServer(AnsweringServer):
    """Serves the operations of ChatKit: decides what is answered at once, as the classes it extends do for turns."""

    def prepared(self, operation: Operation, context: TurnContext) -> TurnContext:
        """The context to carry out the operation with: what it is sure to need is asked for at once."""
        match operation.request:
            case ThreadsAddUserMessageReq(params=message):
                return context.with_earlier_items(self._store, message.thread_id, self._assistant.history_items)
        return context

    async def check(self, operation: Operation, context: RequestContext) -> None:
        """Refuse what the SDK would only find out after it has stored or sent something, or not at all.

        Raises as `admission.check` does.
        """
        await check(operation, self._store, context, takes_attachments=self.attachment_store is not None)

    @override
    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: RequestContext
    ) -> None:
        """Store what the caller thinks of items, and tell the log; raises `NotFoundError` for one not the caller's."""
        # One after the other: each moves the thread's expiry, so that they would be in each other's way.
        for item_id in dict.fromkeys(item_ids):
            await self._store.save_feedback(thread_id, item_id, feedback, context)
            logger.info("feedback", extra={"feedback": feedback, "item": item_id})
            if (record := current_record.get()) is not None:
                record.counts[_FEEDBACK[feedback]] += 1

    @override
    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> SyncCustomActionResponse:
        """What the assistant does while a widget waits; the changed item is stored. Raises Unsupported."""
        if (act := self._assistant.actions_at_once.get(action.type)) is None:
            raise Unsupported(UNKNOWN_ACTION)
        return await done_at_once(act, ActionCall(thread, action, sender, context, self._store))

    @override
    async def transcribe(self, audio_input: AudioInput, context: RequestContext) -> TranscriptionResult:
        """Dictation is not offered."""
        raise Unsupported("This assistant takes no dictation.")

    @override
    async def _process_non_streaming(self, request: NonStreamingReq, context: RequestContext) -> bytes:
        """As the SDK does it, but for pages of items, and for the user's own title, which it would save as its own."""
        match request:
            case ThreadsUpdateReq(params=change):
                thread = await self._store.rename_thread(change.thread_id, change.title, context)
                return self._serialize(self._to_thread_response(thread))
            case ItemsListReq(params=page):
                return self._serialize(await visible_items(self._store, page, context))
        return await super()._process_non_streaming(request, context)

    @override
    async def _load_full_thread(self, thread_id: str, context: RequestContext) -> Thread:
        thread, items = await asyncio.gather(
            self.store.load_thread(thread_id, context),
            visible_items(self._store, ItemsListParams(thread_id=thread_id, order="asc"), context),
        )
        return Thread(**thread.model_dump(), items=items)
