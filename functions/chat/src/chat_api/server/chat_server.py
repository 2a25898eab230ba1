"""The ChatKit server: the SDK's protocol over our store and assistant."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any, override

from agents import Agent, ModelProvider, RunConfig, Runner, TResponseInputItem
from chatkit.actions import Action
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer
from chatkit.store import AttachmentStore
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    AudioInput,
    ClosedStatus,
    FeedbackKind,
    LockedStatus,
    NonStreamingReq,
    NoticeEvent,
    StreamingReq,
    SyncCustomActionResponse,
    ThreadItem,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    ThreadsUpdateReq,
    TranscriptionResult,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)
from pydantic import BaseModel

from chat_api import quotas
from chat_api.assistant.history import load_history
from chat_api.operation import Operation
from chat_api.problems import Unsupported
from chat_api.runs.context import TurnContext
from chat_api.server.estimate import estimated
from chat_api.server.retrying import replacing
from chat_api.server.sighting import Sightings
from chat_api.server.unfinished import Unfinished, says_something
from chat_api.wire import in_utc
from chatkit_aws.context import RequestContext
from chatkit_aws.record import Record, current_record
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.usage import Usage


@dataclass(frozen=True, slots=True)
class Assistant:
    """What answers: the agent, where its model comes from, and how many of the newest items it sees."""

    agent: Agent[AgentContext[RequestContext]]
    models: ModelProvider
    history_items: int


class ChatServer(ChatKitServer[RequestContext]):
    """Serves the operations of ChatKit; everything that a subclass of the SDK's server may decide is decided here."""

    def __init__(
        self,
        store: DynamoDBStore,
        assistant: Assistant,
        attachment_store: AttachmentStore[RequestContext] | None = None,
    ) -> None:
        """Serve `assistant`'s answers from `store`; without an attachment store there are no attachments."""
        super().__init__(store, attachment_store)
        self._store = store
        self._assistant = assistant

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
        if isinstance(context, TurnContext) and operation.thread_id and not operation.message:
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
        record = current_record.get() or Record("none")
        record.thread = thread.id
        count = self._assistant.history_items
        history = await load_history(self._store, thread, input_user_message, count, context)
        for level in context.spending.near:
            yield NoticeEvent(level="warning", message=quotas.near(level))
        unfinished = Unfinished(self._update_pending_items)
        try:
            async for event in self._run(thread, history, unfinished, context):
                unfinished.note(event)
                yield event
            if context.ending.cause is not None:
                raise asyncio.CancelledError  # which the SDK waits for
        except (Exception, asyncio.CancelledError) as error:
            # What the user has seen is stored as it is: the SDK keeps it only where the turn is cancelled.
            for done in unfinished.done():
                yield done
            if isinstance(error, Exception):
                # The SDK turns it into an event and goes on; here it is still known to be a failure.
                record.fail(error)
            raise

    async def _run(
        self, thread: ThreadMetadata, history: list[TResponseInputItem], unfinished: Unfinished, context: TurnContext
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The agent's run as events, and what it has used."""
        assistant, spending = self._assistant, context.spending
        agent_context = AgentContext[RequestContext](thread=thread, store=self.store, request_context=context)
        config = RunConfig(model_provider=assistant.models, tracing_disabled=True)
        result = Runner.run_streamed(assistant.agent, history, context=agent_context, run_config=config)
        context.ending.cut = result.cancel
        spending.model = str(assistant.agent.model)
        sightings = Sightings(lambda kind: self.store.generate_item_id(kind, thread, context))
        try:
            async for event in sightings.keep(stream_agent_response(agent_context, result)):
                yield event
        finally:
            context.ending.cut = None
            result.cancel()
            spending.usage += Usage.of_run(result.context_wrapper.usage)
            if unfinished.items:
                spending.usage += estimated(history, unfinished.items.values())

    @override
    async def _process_streaming_impl(
        self, request: StreamingReq, context: RequestContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """As the SDK does it, but for a retry, for which the SDK would first remove all that there is."""
        match request:
            case ThreadsRetryAfterItemReq(params=params):
                events = self._retry(params.thread_id, params.item_id, context)
            case _:
                events = super()._process_streaming_impl(request, context)
        async for event in events:
            yield event

    async def _retry(self, thread_id: str, item_id: str, context: RequestContext) -> AsyncGenerator[ThreadStreamEvent]:
        """Another answer to a message. Raises ValueError, as the SDK does, where the item is none."""
        thread = await self.store.load_thread(thread_id, context)
        question = await self.store.load_item(thread_id, item_id, context)
        if not isinstance(question, UserMessageItem):
            message = "the item is not a user's message"
            raise ValueError(message)
        old: list[ThreadItem] = []
        async for item in self._paginate_thread_items_reverse(thread_id, context):
            if item.id == item_id:
                break
            old.append(item)

        async def remove(item: ThreadItem) -> None:
            await self.store.delete_thread_item(thread_id, item.id, context)

        answer = self.respond(thread, question, context)
        async for event in self._process_events(thread, context, lambda: replacing(old, answer, remove)):
            yield event

    @override
    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: RequestContext
    ) -> None:
        """Store what there is of the answer; only where the user stopped it the model is told that they did."""
        if isinstance(context, TurnContext) and context.ending.cause == "stopped":
            await super().handle_stream_cancelled(thread, pending_items, context)
            return
        for item in filter(says_something, pending_items):
            await self.store.add_thread_item(thread.id, item, context)

    @override
    async def _build_user_message_item(
        self, input: UserMessageInput, thread: ThreadMetadata, context: RequestContext
    ) -> UserMessageItem:
        """The message, which is not stored yet. Raises CustomStreamError where the thread takes none."""
        _refuse_unless_active(thread)
        return await super()._build_user_message_item(input, thread, context)

    @override
    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: RequestContext
    ) -> None:
        """Store what the caller thinks of items; raises `NotFoundError` where one is not the caller's."""
        # One after the other: each moves the thread's expiry, so that they would be in each other's way.
        for item_id in dict.fromkeys(item_ids):
            await self._store.save_feedback(thread_id, item_id, feedback, context)

    @override
    def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """There are no widgets yet, so no action is known."""
        raise CustomStreamError("This assistant does not know that action.")

    @override
    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> SyncCustomActionResponse:
        """There are no widgets yet, so no action is known."""
        raise Unsupported("This assistant does not know that action.")

    @override
    async def transcribe(self, audio_input: AudioInput, context: RequestContext) -> TranscriptionResult:
        """Dictation is not offered."""
        raise Unsupported("This assistant takes no dictation.")

    @override
    async def _process_non_streaming(self, request: NonStreamingReq, context: RequestContext) -> bytes:
        """As the SDK does it, but for the user's own title, which the SDK would save as if it were the assistant's."""
        match request:
            case ThreadsUpdateReq(params=change):
                thread = await self._store.rename_thread(change.thread_id, change.title, context)
                return self._serialize(self._to_thread_response(thread))
        return await super()._process_non_streaming(request, context)

    @override
    def _serialize(self, obj: BaseModel) -> bytes:
        return super()._serialize(in_utc(obj))


def _refuse_unless_active(thread: ThreadMetadata) -> None:
    """Raises CustomStreamError with the reason that the thread has, for one that is locked or closed."""
    match thread.status:
        case LockedStatus(reason=reason):
            raise CustomStreamError(reason or "This conversation is locked.", allow_retry=False)
        case ClosedStatus(reason=reason):
            raise CustomStreamError(reason or "This conversation is closed.", allow_retry=False)
