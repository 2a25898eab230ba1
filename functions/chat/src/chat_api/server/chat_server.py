"""The ChatKit server: the SDK's protocol over our store and assistant."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, override

from chatkit.actions import Action
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer, agents_sdk_user_agent_override
from chatkit.store import AttachmentStore
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    AudioInput,
    ClosedStatus,
    FeedbackKind,
    ItemsListParams,
    ItemsListReq,
    LockedStatus,
    NonStreamingReq,
    StreamingReq,
    StreamOptionsEvent,
    SyncCustomActionResponse,
    Thread,
    ThreadItem,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
    ThreadStreamEvent,
    ThreadsUpdateReq,
    TranscriptionResult,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)
from pydantic import BaseModel

from chat_api.assistant.calls import ActionCall
from chat_api.operation import Operation
from chat_api.problems import Unsupported
from chat_api.runs.context import TurnContext
from chat_api.server import approvals
from chat_api.server.answer import Answer
from chat_api.server.assistant import Assistant
from chat_api.server.at_once import done_at_once
from chat_api.server.events.delivery import Delivery
from chat_api.server.events.images import as_shown
from chat_api.server.events.streams import closing
from chat_api.server.events.updates import updated
from chat_api.server.events.visible import visible_items
from chat_api.server.opening import Opening
from chat_api.server.retrying import Retry
from chat_api.texts import mark
from chat_api.wire import in_utc
from chat_api.words import Words
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.record import current_record
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images

logger = logging.getLogger(__name__)

_FEEDBACK: Mapping[FeedbackKind, str] = {"positive": "PositiveFeedback", "negative": "NegativeFeedback"}
"""The metrics that count it."""
_UNKNOWN_ACTION = mark("This assistant does not know that action.")


class ChatServer(ChatKitServer[RequestContext]):
    """Serves the operations of ChatKit; everything that a subclass of the SDK's server may decide is decided here."""

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

    def prepared(self, operation: Operation, context: TurnContext) -> TurnContext:
        """The context to carry out the operation with: what it is sure to need is asked for at once."""
        match operation.request:
            case ThreadsAddUserMessageReq(params=message):
                return context.with_earlier_items(self._store, message.thread_id, self._assistant.history_items)
        return context

    async def check(self, operation: Operation, context: RequestContext) -> None:
        """Refuse what the SDK would only find out after it has stored or sent something, or not at all.

        Raises CustomStreamError where the thread takes no turn, Unsupported, and the SDK's `NotFoundError` for an
        attachment, message or thread that the caller does not have.
        """
        request = operation.request
        acts = isinstance(context, TurnContext) or isinstance(request, ThreadsSyncCustomActionReq)
        if acts and operation.thread_id and not operation.message:
            _refuse_unless_active(await self.store.load_thread(operation.thread_id, context))
        if isinstance(request, AttachmentsCreateReq | AttachmentsDeleteReq) and self.attachment_store is None:
            raise Unsupported("This assistant takes no attachments.")
        if isinstance(request, ThreadsRetryAfterItemReq):
            await self.store.load_item(request.params.thread_id, request.params.item_id, context)
        for attachment_id in operation.message.attachments if operation.message else ():
            await self.store.load_attachment(attachment_id, context)

    @override
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: RequestContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The agent's answer to the newest items of the thread, as events; the model stops when the reader does."""
        assert isinstance(context, TurnContext)  # noqa: S101 - a turn has no other
        await context.lease.taken()
        if (record := current_record.get()) is not None:
            record.thread = thread.id
        answer = Answer(self._assistant, self._store, thread, context, self.images)
        async for event in self._said(answer.events(input_user_message), context):
            yield event

    async def _said(
        self, answer: AsyncGenerator[ThreadStreamEvent], context: TurnContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The events of an answer, which is closed with the turn."""
        context.ending.answer = answer
        async with closing(answer) as events:
            async for event in events:
                yield event

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
            yield Words.of(context).told(error)

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
    async def _process_streaming_impl(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """As the SDK does it, but for how turns open, and for a retry."""
        events = super()._process_streaming_impl(request, context)
        async with closing(events), closing(self._opened(request, events, context)) as opened:
            async for event in opened:
                if isinstance(context, TurnContext):
                    context.spending.has_begun = True
                yield event

    def _opened(
        self, request: StreamingReq, events: AsyncIterator[ThreadStreamEvent], context: RequestContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        opening = Opening(self._store, context, lambda thread: self._answer(thread, context))
        match request:
            case ThreadsCreateReq():
                return opening.of_thread(events)
            case ThreadsAddUserMessageReq():
                return opening.of_message(events)
            case ThreadsAddClientToolOutputReq(params=output):
                return opening.of_output(events, output)
            case ThreadsAddStructuredInputReq(params=given):
                answered = partial(self._apply_structured_input_submission, submission=given.input)
                return opening.of_answers(events, given, answered)
            case ThreadsRetryAfterItemReq(params=params):
                return self._retry(params.thread_id, params.item_id, context)
        return events

    def _answer(self, thread: ThreadMetadata, context: RequestContext) -> AsyncIterator[ThreadStreamEvent]:
        """The answer to the thread as it stands."""
        return self._process_events(thread, context, lambda: self.respond(thread, None, context))

    async def _retry(self, thread_id: str, item_id: str, context: RequestContext) -> AsyncGenerator[ThreadStreamEvent]:
        thread = await self.store.load_thread(thread_id, context)
        newest_first = self._paginate_thread_items_reverse(thread_id, context)
        retry = await Retry.of(self._store, thread_id, item_id, newest_first, context)
        answer = self.respond(thread, retry.question, context)
        replacing = partial(retry.replacing, answer, self._update_pending_items)
        async for event in self._process_events(thread, context, replacing):
            yield event

    @override
    async def _build_user_message_item(
        self, input: UserMessageInput, thread: ThreadMetadata, context: RequestContext
    ) -> UserMessageItem:
        """The message, which is not stored yet. Raises CustomStreamError where the thread takes none.

        Storing it waits for the lease in any case. Where another run wrote in the thread until then, the thread is read
        again, and the message comes after what that run said.
        """
        _refuse_unless_active(thread)
        if isinstance(context, TurnContext) and (await context.lease.taken()).others_wrote:
            _become(thread, await self.store.load_thread(thread.id, context))
            _refuse_unless_active(thread)
        return await super()._build_user_message_item(input, thread, context)

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
    def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """What the assistant does for an action of its widgets. Raises CustomStreamError for one it does not know."""
        call = ActionCall(thread, action, sender, context, self._store)
        if action.type == approvals.ACTION:
            assert isinstance(context, TurnContext)  # noqa: S101 - a turn has no other
            answer = Answer(self._assistant, self._store, thread, context, self.images)
            return self._said(answer.resumed(call.payload(approvals.Decision), sender), context)
        if (act := self._assistant.actions.get(action.type)) is None:
            raise CustomStreamError(_UNKNOWN_ACTION)
        return act(call)

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
            raise Unsupported(_UNKNOWN_ACTION)
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

    @override
    def _to_thread_response(self, thread: ThreadMetadata | Thread) -> Thread:
        """As the SDK does it, and with the domains from which images may be shown."""
        return as_shown(thread, super()._to_thread_response(thread).items, self._assistant.image_domains)

    @override
    def _serialize(self, obj: BaseModel) -> bytes:
        return super()._serialize(in_utc(obj))


def _become(thread: ThreadMetadata, other: ThreadMetadata) -> None:
    """Change a thread in place: the SDK has it in its hands."""
    for name in ThreadMetadata.model_fields:
        setattr(thread, name, getattr(other, name))


def _refuse_unless_active(thread: ThreadMetadata) -> None:
    """Raises CustomStreamError with the reason that the thread has, for one that is locked or closed."""
    match thread.status:
        case LockedStatus(reason=reason):
            raise CustomStreamError(reason or mark("This conversation is locked."), allow_retry=False)
        case ClosedStatus(reason=reason):
            raise CustomStreamError(reason or mark("This conversation is closed."), allow_retry=False)
