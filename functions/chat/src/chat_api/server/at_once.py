"""Actions for which a widget waits."""

import dataclasses
from functools import partial

from chatkit.errors import CustomStreamError
from chatkit.types import SyncCustomActionResponse, ThreadItem, WidgetItem

from chat_api.problems import Unsupported
from chat_api.texts import say
from chat_api.toolkit.calls import ActAtOnce, ActionCall
from chatkit_aws.errors import StoreUnavailable

_TRIES = 5
"""How often an action is carried out where others change its widget each time."""


class _Changed(Exception):
    """The widget is not as the action saw it, but this one by now."""

    def __init__(self, widget: WidgetItem) -> None:
        super().__init__("the widget was changed meanwhile")
        self.widget = widget


async def done_at_once(act: ActAtOnce, call: ActionCall) -> SyncCustomActionResponse:
    """What comes of an action; the changed item is stored. Raises Unsupported where it is refused, and as the store.

    The item was made of the widget that the action was given. Where an answer or another action has changed that
    meanwhile, storing it would undo their change: the action is carried out again, with the widget as it is by now.
    """
    for _ in range(_TRIES):
        try:
            result = await act(call)
        except CustomStreamError as refusal:
            raise Unsupported(say(call.context.locale, refusal.message)) from refusal
        if result.updated_item is None:
            return result
        try:
            await _store(call, result.updated_item)
        except _Changed as changed:
            call = dataclasses.replace(call, sender=changed.widget)
        else:
            return result
    message = "others changed the widget each time"
    raise StoreUnavailable(message)


async def _store(call: ActionCall, item: ThreadItem) -> None:
    if call.sender is None or item.id != call.sender.id:
        await call.store.save_item(call.thread.id, item, call.context)
    else:
        change = partial(_in_place_of, call.sender, item)
        await call.store.change_item(call.thread.id, item.id, change, call.context)


def _in_place_of(sender: WidgetItem, item: ThreadItem, stored: ThreadItem) -> ThreadItem:
    if isinstance(stored, WidgetItem) and stored != sender:
        raise _Changed(stored)
    return item
