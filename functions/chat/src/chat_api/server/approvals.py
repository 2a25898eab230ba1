"""Tools that act only when the user allows it: the run waits in the thread, and goes on with the user's answer.

The Agents SDK interrupts a run whose model asks for a tool with `needs_approval`
(https://openai.github.io/openai-agents-python/human_in_the_loop). What the run was by then is a hidden item of the
thread: it is sealed, deleted, exported and held as any other, and goes with a retry. A widget asks the user.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents import RunContextWrapper, RunResultStreaming, RunState
from agents.exceptions import UserError
from chatkit.agents import AgentContext
from chatkit.errors import CustomStreamError
from chatkit.store import NotFoundError
from chatkit.types import (
    HiddenContextItem,
    InferenceOptions,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.approvals import described
from chat_api.assistant.widgets.approval import approval
from chat_api.server.chosen import AssistantAgent
from chat_api.texts import mark
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

ACTION = "approval.answer"
"""The type of the widget's action; its payload is a `Decision`."""

_KIND = "approval"
_NEWEST = 10
"""Items among which a question is that can still be answered: after it comes its widget, and no message."""
_GONE = CustomStreamError(
    mark("This was answered already, or the conversation has gone on. Please ask again."), allow_retry=False
)
_NOTHING_USED = {"requests": 0, "input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
"""What the run has used by then is counted with the turn that it was used in."""
_DECLINED = "The user did not allow this call. Nothing was done."


class Decision(BaseModel):
    """What the user says to an approval that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    approval: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits, what it would do in the user's words, and how its question was to be answered."""

    state: dict[str, Any]
    actions: list[str]
    options: InferenceOptions

    async def resumed(
        self, agent: AssistantAgent, context: AgentContext[RequestContext], *, approved: bool
    ) -> RunState[Any]:
        """The run as it goes on, what was used before not counted again.

        Raises CustomStreamError for a run of another version of the SDK, or with tools that there are no more.
        """
        try:
            state = await RunState.from_json(agent, self.state, context_override=RunContextWrapper(context))
        except UserError:
            raise _GONE from None
        for item in state.get_interruptions():
            if approved:
                state.approve(item)
            else:
                state.reject(item, rejection_message=_DECLINED)
        return state


async def asked(
    result: RunResultStreaming, options: InferenceOptions, context: AgentContext[RequestContext]
) -> AsyncIterator[ThreadStreamEvent]:
    """The items with which a run waits that was interrupted: itself, and the widget that asks; none for another."""
    if not result.interruptions:
        return
    caller = context.request_context
    state = result.to_state().to_json(context_serializer=lambda _: {})
    state["context"]["usage"] = _NOTHING_USED
    actions = [await described(item.name or "", item.arguments or "", context) for item in result.interruptions]
    approval_id = context.generate_id("tool_call")
    content = {"kind": _KIND, "actions": actions, "options": options.model_dump(mode="json"), "state": state}
    fields = {"thread_id": context.thread.id, "created_at": datetime.now()}  # noqa: DTZ005 - as the SDK's
    yield ThreadItemDoneEvent(item=HiddenContextItem(id=approval_id, content=content, **fields))
    widget = approval(approval_id, actions, caller.locale)
    item = WidgetItem(id=context.generate_id("message"), widget=widget, copy_text="\n".join(actions), **fields)
    yield ThreadItemDoneEvent(item=item)


async def taken(decision: Decision, thread_id: str, store: DynamoDBStore, context: RequestContext) -> Waiting:
    """The run that waits for this decision, which nobody else will find waiting. Raises CustomStreamError."""
    page = await store.load_thread_items(thread_id, None, _NEWEST, "desc", context)
    newer: list[ThreadItem] = []
    for item in page.data:
        if item.id == decision.approval:
            break
        newer.append(item)
    else:
        raise _GONE
    if any(isinstance(item, UserMessageItem) for item in newer):
        raise _GONE
    found: list[Waiting] = []

    def answered(item: ThreadItem) -> ThreadItem:
        found.append(_waiting(item))
        return item.model_copy(update={"content": {"kind": _KIND, "approved": decision.approved}})

    try:
        await store.change_item(thread_id, decision.approval, answered, context)
    except NotFoundError:
        raise _GONE from None
    return found[-1]


def are_in(item: ThreadItem) -> bool:
    """Whether an item is an approval that is asked for, or was."""
    return isinstance(item, HiddenContextItem) and isinstance(item.content, dict) and item.content.get("kind") == _KIND


def _waiting(item: ThreadItem) -> Waiting:
    if not isinstance(item, HiddenContextItem) or not are_in(item) or "state" not in item.content:
        raise _GONE
    content = item.content
    return Waiting(content["state"], content["actions"], InferenceOptions.model_validate(content["options"]))
