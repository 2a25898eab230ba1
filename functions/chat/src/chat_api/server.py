"""The ChatKit server: the SDK's protocol over our store and assistant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, override

from agents import Agent, ModelProvider, RunConfig, Runner
from chatkit.actions import Action
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer
from chatkit.store import AttachmentStore
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    AudioInput,
    FeedbackKind,
    NonStreamingReq,
    SyncCustomActionResponse,
    ThreadMetadata,
    ThreadsAddUserMessageReq,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    ThreadsUpdateReq,
    TranscriptionResult,
    UserMessageItem,
    WidgetItem,
)
from pydantic import BaseModel

from chat_api.assistant.history import load_history
from chat_api.operation import Operation
from chat_api.problems import Unsupported
from chat_api.sighting import Sightings
from chat_api.turn_context import with_earlier_items
from chat_api.wire import in_utc
from chatkit_aws.context import RequestContext
from chatkit_aws.record import Record, current_record
from chatkit_aws.store import DynamoDBStore


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

    def begin(self, operation: Operation, context: RequestContext) -> RequestContext:
        """The context to carry out the operation with: what it is sure to need is asked for at once."""
        match operation.request:
            case ThreadsAddUserMessageReq(params=message):
                count = self._assistant.history_items
                return with_earlier_items(self._store, message.thread_id, count, context)
        return context

    async def check(self, operation: Operation, context: RequestContext) -> None:
        """Refuse what the SDK would only find out after it has stored or sent something.

        Raises `Unsupported`, or the SDK's `NotFoundError` for an attachment or a message that the caller does not have.
        """
        request = operation.request
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
        record = current_record.get() or Record("none")
        record.thread = thread.id
        assistant = self._assistant
        history = await load_history(self._store, thread, input_user_message, assistant.history_items, context)
        agent_context = AgentContext[RequestContext](thread=thread, store=self.store, request_context=context)
        config = RunConfig(model_provider=assistant.models, tracing_disabled=True)
        result = Runner.run_streamed(assistant.agent, history, context=agent_context, run_config=config)
        sightings = Sightings(lambda kind: self.store.generate_item_id(kind, thread, context))
        try:
            async for event in sightings.keep(stream_agent_response(agent_context, result)):
                yield event
        except Exception as error:
            # The SDK turns it into an event and goes on; here it is still known to be a failure.
            record.fail(error)
            raise
        finally:
            result.cancel()

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
