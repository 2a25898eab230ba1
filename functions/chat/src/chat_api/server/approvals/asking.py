"""Tools that act only when the user allows it: the run waits in the thread, and goes on with the user's answer.

The Agents SDK interrupts a run whose model asks for a tool with `needs_approval`
(https://openai.github.io/openai-agents-python/human_in_the_loop). What the run was by then is a hidden item of the
thread: it is sealed, deleted, exported and held as any other, and goes with a retry. A widget asks the user.
`resuming.py` has their answer.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents import RunResultStreaming
from chatkit.agents import AgentContext
from chatkit.errors import CustomStreamError
from chatkit.types import (
    HiddenContextItem,
    InferenceOptions,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
    WidgetRootUpdated,
)
from chatkit.widgets import WidgetRoot
from pydantic import BaseModel, ConfigDict, ValidationError

from chat_api.assistant.approvals import described
from chat_api.assistant.widgets.approval import Outcome, approval, ended
from chat_api.server.approvals import run_states
from chat_api.texts import mark
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

ACTION = "approval.answer"
"""The type of the widget's action; its payload is a `Decision`."""

_KIND = "approval"
_PAGE = 20
"""Items that are read at once: questions beside the approval may have been answered at any length since."""


class Gone(CustomStreamError):
    """Nothing waits for a decision; `item` is what is left of what did, if it can be found."""

    def __init__(self, item: ThreadItem | None = None) -> None:
        """Tell the user so."""
        text = mark("This was answered already, or the conversation has gone on. Please ask again.")
        super().__init__(text, allow_retry=False)
        self.item = item


class Decision(BaseModel):
    """What the user says to an approval that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    approval: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits in `item`, what it would do in the user's words, how its question was to be answered.

    `widget` is the id of the item that asks.
    """

    item: HiddenContextItem
    state: dict[str, Any]
    actions: list[str]
    options: InferenceOptions
    widget: str

    def become(self, content: object) -> HiddenContextItem:
        """The item once nothing waits in it."""
        return self.item.model_copy(update={"content": content})

    def over(self, *, approved: bool) -> HiddenContextItem:
        """The item of a decision of which there is no more to say."""
        return self.become({"kind": _KIND, "approved": approved})

    def void(self) -> HiddenContextItem:
        """The item of what nobody has answered."""
        return self.become({"kind": _KIND})

    def shows(self, outcome: Outcome, locale: str) -> ThreadItemUpdatedEvent:
        """The event that shows, in the widget, how it has ended."""
        return shows(self.widget, ended(self.actions, locale, outcome))


async def asked(
    result: RunResultStreaming, options: InferenceOptions, context: AgentContext[RequestContext]
) -> AsyncIterator[ThreadStreamEvent]:
    """The items with which a run waits that was interrupted: itself, and the widget that asks; none for another."""
    if not result.interruptions:
        return
    caller = context.request_context
    actions = [await described(item.name or "", item.arguments or "", context) for item in result.interruptions]
    approval_id, widget_id = context.generate_id("tool_call"), context.generate_id("message")
    content = {"kind": _KIND, "actions": actions, "options": options.model_dump(mode="json"), "widget": widget_id}
    content["state"] = run_states.dumped(result)
    fields = {"thread_id": context.thread.id, "created_at": datetime.now()}  # noqa: DTZ005 - as the SDK's
    yield ThreadItemDoneEvent(item=HiddenContextItem(id=approval_id, content=content, **fields))
    widget = approval(approval_id, actions, caller.locale)
    yield ThreadItemDoneEvent(item=WidgetItem(id=widget_id, widget=widget, copy_text="\n".join(actions), **fields))


async def waiting(decision: Decision, thread_id: str, store: DynamoDBStore, context: RequestContext) -> Waiting:
    """The run that waits for this decision. Raises Gone where there is none, or a message came after."""
    after: str | None = None
    while True:
        page = await store.load_thread_items(thread_id, after, _PAGE, "desc", context)
        for item in page.data:
            if isinstance(item, UserMessageItem):
                raise Gone
            if item.id == decision.approval:
                if (found := waiting_in(item)) is not None:
                    return found
                raise Gone(item)
        if not page.has_more:
            raise Gone
        after = page.after


def waiting_in(item: ThreadItem) -> Waiting | None:
    """The run that waits in an item; None where there is none, or one of another make."""
    if not isinstance(item, HiddenContextItem):
        return None
    match item.content:
        case {"kind": str(kind), "state": dict(state), "actions": list(actions), "widget": str(widget), **rest}:
            if kind == _KIND:
                try:
                    options = InferenceOptions.model_validate(rest.get("options"))
                except ValidationError:
                    return None
                return Waiting(item, state, actions, options, widget)
    return None


def shows(widget_id: str, root: WidgetRoot) -> ThreadItemUpdatedEvent:
    """The event that shows `root` in a widget."""
    return ThreadItemUpdatedEvent(item_id=widget_id, update=WidgetRootUpdated(widget=root))
