"""What an action is carried out with: the widget that was used, who used it, and the store."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chatkit.actions import Action
from chatkit.errors import CustomStreamError
from chatkit.types import (
    SyncCustomActionResponse,
    ThreadItemReplacedEvent,
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

    def sender_if(self, is_meant: Callable[[WidgetRoot], bool]) -> WidgetItem | None:
        """The sender, to be shown anew. Raises CustomStreamError for a widget of another kind: anyone may name one."""
        if self.sender is not None and not is_meant(self.sender.widget):
            raise CustomStreamError(INVALID, allow_retry=False)
        return self.sender


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


def replaces(sender: WidgetItem, widget: WidgetRoot, copy_text: str) -> ThreadItemReplacedEvent:
    """Likewise, with another text to copy, which an update leaves as it was."""
    return ThreadItemReplacedEvent(item=sender.model_copy(update={"widget": widget, "copy_text": copy_text}))


def actions_of(widget: WidgetRoot) -> set[str]:
    """The types of the actions that a widget can be used for."""
    return {*_actions_in(widget.model_dump(mode="json", by_alias=True, exclude_none=True))}


def _actions_in(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for name, value in node.items():
                match value:
                    case {"type": str(kind)} if name.startswith("on") and name.endswith("Action"):
                        yield kind
                    case _:
                        yield from _actions_in(value)
        case list():
            for element in node:
                yield from _actions_in(element)
