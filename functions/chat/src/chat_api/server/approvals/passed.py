"""Approvals that nobody will answer any more: what their widgets show then, and what goes of their items."""

from collections.abc import Iterable
from typing import Any

from chatkit.types import HiddenContextItem, ThreadItem, ThreadItemReplacedEvent, ThreadStreamEvent, WidgetItem

from chat_api.assistant.widgets.approval import ended
from chat_api.server.approvals.asking import ACTION, shows, waiting_in
from chat_api.server.memory import tool_calls


def passed_over(items: Iterable[ThreadItem], locale: str) -> Iterable[ThreadStreamEvent]:
    """The events that end approvals which a message came after: the run goes, and the widget says so."""
    for item in items:
        yield from broken_off(item, locale)
        if (found := waiting_in(item)) is not None:
            yield ThreadItemReplacedEvent(item=found.void())
            yield found.shows("passed", locale)


def broken_off(item: ThreadItem, locale: str) -> Iterable[ThreadStreamEvent]:
    """The events that show a decision, whose `decided.Decided` had no time to: allowed, and the answer broke off."""
    if not isinstance(item, HiddenContextItem):
        return
    match item.content:
        case {"kind": tool_calls.KIND, "widget": str(widget), "actions": list(actions), "calls": calls, **rest}:
            content = {"kind": tool_calls.KIND, "calls": calls}
            yield ThreadItemReplacedEvent(item=item.model_copy(update={"content": content}))
            # Notes of an earlier version say nothing of the decision, and there were none of what was declined.
            yield shows(widget, ended(actions, locale, "broken" if rest.get("approved", True) else "declined"))


def out_of_date(shown: ThreadItem, approval_id: str, locale: str) -> Iterable[ThreadStreamEvent]:
    """The event that takes the buttons from a widget that still asks for an approval which nothing waits for."""
    if isinstance(shown, WidgetItem) and _asks_for(shown.widget.model_dump(mode="json"), approval_id):
        yield shows(shown.id, ended((shown.copy_text or "").splitlines(), locale, "passed"))


def _asks_for(node: Any, approval_id: str) -> bool:
    match node:
        case {"type": str(kind), "payload": {"approval": str(asked_for)}} if kind == ACTION:
            return asked_for == approval_id
        case dict():
            return any(_asks_for(value, approval_id) for value in node.values())
        case list():
            return any(_asks_for(value, approval_id) for value in node)
    return False
