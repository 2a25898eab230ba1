"""What happens when a widget is used, by the type of its action.

An action streams events as an answer does; one at once gives back the changed item, for which the widget waits.
Both are stored before they are seen. No model is asked.
"""

from collections.abc import AsyncIterator, Mapping

from chatkit.types import NoticeEvent, SyncCustomActionResponse, ThreadStreamEvent
from pydantic import BaseModel, ConfigDict

from chat_api.assistant import forms
from chat_api.assistant.tasks import Tasks
from chat_api.assistant.widgets.task_list import as_text, is_task_list, task_list
from chat_api.texts import say
from chat_api.toolkit.calls import Act, ActAtOnce, ActionCall, replaces
from chatkit_aws.errors import RecordNotFound


class Toggle(BaseModel):
    """The payload of `task.toggle`: how the task is to be, so that a click that comes twice does no harm."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str
    done: bool


class Delete(BaseModel):
    """The payload of `task.delete`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str


async def toggle(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    """Check a task off, or open it again, and show the list as it is now; says so where the task is no longer there."""
    asked, sender = call.payload(Toggle), call.sender_if(is_task_list)
    tasks, locale = Tasks(call.store, call.context), call.context.locale
    try:
        await tasks.complete(asked.task_id, done=asked.done)
    except RecordNotFound:
        yield NoticeEvent(level="info", message=say(locale, forms.GONE))
    if sender is not None:
        now = await tasks.all()
        yield replaces(sender, task_list(now, locale), as_text(now))


async def delete(call: ActionCall) -> SyncCustomActionResponse:
    """Delete a task, if it is still there, and give back the list as it is now."""
    asked, sender = call.payload(Delete), call.sender_if(is_task_list)
    tasks = Tasks(call.store, call.context)
    await tasks.delete(asked.task_id)
    if sender is None:
        return SyncCustomActionResponse()
    left = await tasks.all()
    return SyncCustomActionResponse(
        updated_item=replaces(sender, task_list(left, call.context.locale), as_text(left)).item
    )


ACTIONS: Mapping[str, Act] = {"task.toggle": toggle, "task.edit": forms.edit, "task.save": forms.save}
ACTIONS_AT_ONCE: Mapping[str, ActAtOnce] = {"task.delete": delete}
