"""What happens when a widget is used, by the type of its action.

An action streams events as an answer does; one at once gives back the changed item, for which the widget waits.
Both are stored before they are seen. No model is asked.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatkit.actions import Action
from chatkit.errors import CustomStreamError
from chatkit.types import (
    NoticeEvent,
    SyncCustomActionResponse,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
    WidgetRootUpdated,
)
from pydantic import BaseModel, ConfigDict, ValidationError

from chat_api.assistant.tasks import Tasks
from chat_api.assistant.widgets.task_list import as_text, task_list
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import RecordNotFound
from chatkit_aws.store import DynamoDBStore

_INVALID = mark("This action is not valid.")
_GONE = mark("This task is no longer there.")


@dataclass(frozen=True, slots=True)
class ActionCall:
    """An action in a thread of who asks; `sender` is the widget where it was used, as it is stored."""

    thread: ThreadMetadata
    action: Action[str, Any]
    sender: WidgetItem | None
    context: RequestContext
    store: DynamoDBStore

    def payload[M: BaseModel](self, model: type[M]) -> M:
        """What the action brings, which anybody may have written. Raises CustomStreamError where it does not fit."""
        try:
            return model.model_validate(self.action.payload)
        except ValidationError:
            raise CustomStreamError(_INVALID, allow_retry=False) from None


type Act = Callable[[ActionCall], AsyncIterator[ThreadStreamEvent]]
"""Carries out an action; raises CustomStreamError with what the user is to be told."""
type ActAtOnce = Callable[[ActionCall], Awaitable[SyncCustomActionResponse]]
"""Carries out an action for which the widget waits; raises as the other does."""


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
    asked = call.payload(Toggle)
    tasks, locale = Tasks(call.store, call.context), call.context.locale
    try:
        await tasks.complete(asked.task_id, done=asked.done)
    except RecordNotFound:
        yield NoticeEvent(level="info", message=say(locale, _GONE))
    if call.sender is not None:
        widget = task_list(await tasks.all(), locale)
        yield ThreadItemUpdatedEvent(item_id=call.sender.id, update=WidgetRootUpdated(widget=widget))


async def delete(call: ActionCall) -> SyncCustomActionResponse:
    """Delete a task, if it is still there, and give back the list as it is now."""
    tasks = Tasks(call.store, call.context)
    await tasks.delete(call.payload(Delete).task_id)
    if call.sender is None:
        return SyncCustomActionResponse()
    left = await tasks.all()
    changes = {"widget": task_list(left, call.context.locale), "copy_text": as_text(left)}
    return SyncCustomActionResponse(updated_item=call.sender.model_copy(update=changes))


ACTIONS: Mapping[str, Act] = {"task.toggle": toggle}
ACTIONS_AT_ONCE: Mapping[str, ActAtOnce] = {"task.delete": delete}
