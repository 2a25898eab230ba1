"""What a turn says: how it opens, and whether the model, a widget's action or a retry speaks."""

from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any, override

from chatkit.actions import Action
from chatkit.errors import CustomStreamError
from chatkit.types import (
    StreamingReq,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsRetryAfterItemReq,
    ThreadStreamEvent,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)

from chat_api.runs.context import TurnContext
from chat_api.server.admission import UNKNOWN_ACTION, refuse_unless_active
from chat_api.server.answer import Answer
from chat_api.server.approvals import asking
from chat_api.server.approvals.resuming import Resuming
from chat_api.server.delivering import DeliveringServer
from chat_api.server.events.streams import closing
from chat_api.server.opening import Opening
from chat_api.server.retrying import Retry
from chat_api.toolkit.calls import ActionCall
from chatkit_aws.context import RequestContext
from chatkit_aws.record import current_record


class AnsweringServer(DeliveringServer):
    """Decides what streaming requests are answered with."""

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
        async with closing(self._said(answer.events(input_user_message), context)) as events:
            async for event in events:
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
    def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """What the assistant does for an action of its widgets. Raises CustomStreamError for one it does not know."""
        call = ActionCall(thread, action, sender, context, self._store)
        if action.type == asking.ACTION:
            assert isinstance(context, TurnContext)  # noqa: S101 - a turn has no other
            answer = Answer(self._assistant, self._store, thread, context, self.images)
            resuming = Resuming(answer, self._store, thread, context)
            return self._said(resuming.events(call.payload(asking.Decision), sender), context)
        if (act := self._assistant.actions.get(action.type)) is None:
            raise CustomStreamError(UNKNOWN_ACTION)
        return act(call)

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
        refuse_unless_active(thread)
        if isinstance(context, TurnContext) and (await context.lease.taken()).others_wrote:
            _become(thread, await self.store.load_thread(thread.id, context))
            refuse_unless_active(thread)
        return await super()._build_user_message_item(input, thread, context)


def _become(thread: ThreadMetadata, other: ThreadMetadata) -> None:
    """Change a thread in place: the SDK has it in its hands."""
    for name in ThreadMetadata.model_fields:
        setattr(thread, name, getattr(other, name))
