"""What an action is carried out with: the widget that was used, who used it, and the store."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chatkit.actions import Action
from chatkit.errors import CustomStreamError
from chatkit.types import (
    SyncCustomActionResponse,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
    WidgetRootUpdated,
)
from chatkit.widgets import WidgetRoot
from pydantic import BaseModel, ValidationError

from chat_api.texts import mark
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

INVALID = mark("This action is not valid.")


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
            raise CustomStreamError(INVALID, allow_retry=False) from None


type Act = Callable[[ActionCall], AsyncIterator[ThreadStreamEvent]]
"""Carries out an action; raises CustomStreamError with what the user is to be told."""
type ActAtOnce = Callable[[ActionCall], Awaitable[SyncCustomActionResponse]]
"""Carries out an action for which the widget waits; raises as the other does.

It may be carried out twice: where a request is sent again whose answer was lost, or the widget was changed meanwhile.
So what it does should be the same the second time, and the item that it gives be made of what is stored by then.
"""


def shows(sender: WidgetItem, widget: WidgetRoot) -> ThreadItemUpdatedEvent:
    """The event that shows another widget in the place of `sender`, and stores it."""
    return ThreadItemUpdatedEvent(item_id=sender.id, update=WidgetRootUpdated(widget=widget))
