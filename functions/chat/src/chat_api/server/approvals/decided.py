"""A decision of the user's, from when it is written: what it allows is done, or it is told that it was not."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from agents import RunResultStreaming, RunState
from agents.items import ToolApprovalItem, ToolCallItem, ToolCallOutputItem
from chatkit.store import NotFoundError
from chatkit.types import (
    HiddenContextItem,
    ThreadItem,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from openai.types.responses.response_output_item import McpCall

from chat_api.runs.context import TurnContext
from chat_api.server.approvals.asking import Gone, Waiting
from chat_api.server.approvals.run_states import DECLINED, hosted_request
from chat_api.server.events.updates import updated
from chat_api.server.memory import tool_calls
from chat_api.server.memory.tool_calls import ToolCall
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)

_BROKEN = (
    "The user allowed this call, and then the answer broke off. It may not have been carried out: look, if you can, "
    "and ask before you call it again."
)


class Decided:
    """One decision about the run that is `waiting`.

    Writing it makes the run's item one that tells later turns of the model that the calls were decided, and maybe not
    carried out; when they were, it says nothing any more. So they are told in any case, even where a process dies.
    """

    def __init__(
        self, waiting: Waiting, state: RunState[Any], store: DynamoDBStore, context: TurnContext, *, approved: bool
    ) -> None:
        """Begin with a decision that is not written yet."""
        self.waiting = waiting
        self.approved = approved
        self.is_told = False
        self._is_written = False
        self._store = store
        self._context = context
        self._calls = dict(_call(item, _BROKEN if approved else DECLINED) for item in state.get_interruptions())

    async def write(self) -> None:
        """Write it, if the run still waits as it was read. Raises CustomStreamError, and as the store does."""

        def taken(item: ThreadItem) -> ThreadItem:
            if item != self.waiting.item:
                raise Gone
            return self._open()

        item = self.waiting.item
        try:
            await self._store.change_item(item.thread_id, item.id, taken, self._context)
        except NotFoundError:
            raise Gone from None
        self._is_written = self._context.ending.is_final = True

    def shown(self) -> ThreadStreamEvent:
        """The event that shows it in the widget."""
        return self.waiting.shows("allowed" if self.approved else "declined", self._context.locale)

    def outcome(
        self, result: RunResultStreaming | None, failed: BaseException | None = None
    ) -> Iterator[ThreadStreamEvent]:
        """The events that say what came of it: nothing more is to be told, or what was not done as far as is known."""
        is_over = failed is None and self._context.ending.cause is None
        done = dict.fromkeys(self._calls) if is_over else _done(result)
        left = {call_id: call for call_id, call in self._calls.items() if call_id not in done}
        told = left | {call_id: call for call_id, call in done.items() if call is not None and call_id in self._calls}
        item = self._noted(told) if told else self.waiting.over(approved=self.approved)
        yield ThreadItemReplacedEvent(item=item)
        if left:
            yield self.waiting.shows("broken" if self.approved else "declined", self._context.locale)

    async def end(self, result: RunResultStreaming | None) -> None:
        """Store what came of it where nobody takes events any more. Raises nothing: the answer is over."""
        if self.is_told or not self._is_written:
            return
        try:
            for event in self.outcome(result, asyncio.CancelledError()):
                await self._carry_out(event)
        except (ChatKitAwsError, NotFoundError) as error:
            logger.warning("what came of a decision is not kept: %s", type(error).__name__)

    async def _carry_out(self, event: ThreadStreamEvent) -> None:
        thread_id, context = self.waiting.item.thread_id, self._context
        match event:
            case ThreadItemReplacedEvent(item=item):
                await self._store.save_item(thread_id, item, context)
            case ThreadItemUpdatedEvent(item_id=item_id, update=update):
                await self._store.change_item(thread_id, item_id, lambda item: updated(item, update), context)

    def _open(self) -> ThreadItem:
        """The note with the widget that shows the decision: who finds it so knows that its turn has told nothing."""
        asked = {"widget": self.waiting.widget, "actions": self.waiting.actions, "approved": self.approved}
        return self.waiting.become({**self._noted(self._calls).content, **asked})

    def _noted(self, calls: dict[str, ToolCall]) -> HiddenContextItem:
        item = self.waiting.item
        return tool_calls.item_of([*calls.values()], item.id, item.thread_id, item.created_at)


def _call(item: ToolApprovalItem, result: str) -> tuple[str, ToolCall]:
    """A call that the user decided about, by its id."""
    request = hosted_request(item)
    return (request.id if request else item.call_id) or "", ToolCall(item.name or "", item.arguments or "", result)


def _done(result: RunResultStreaming | None) -> dict[str, ToolCall | None]:
    """The calls whose results a run knows, by id: that of a provider's own tool as it was, which nothing else keeps."""
    found = dict[str, ToolCall | None]()
    for made in result.new_items if result is not None else ():
        match made:
            case ToolCallOutputItem(raw_item={"call_id": str(call_id)}):
                found[call_id] = None
            case ToolCallItem(raw_item=McpCall(approval_request_id=str(request_id)) as call):
                found[request_id] = ToolCall(call.name, call.arguments, call.output or str(call.error or ""))
    return found
