"""Items that a run took back again: who comes when it is over is told nothing of what was in them."""

import json
from collections.abc import Iterable
from typing import Any

_REMOVED = "thread.item.removed"


def taken_back(events: Iterable[bytes]) -> set[str]:
    """The ids of the items that some of these events remove."""
    removals = (_read(event) for event in events if _REMOVED.encode() in event)
    return {str(event["item_id"]) for event in removals if event.get("type") == _REMOVED}


def tells_of(event: bytes, items: set[str]) -> bool:
    """Whether an event tells what is in one of these items; that it is removed does not."""
    if not items:
        return False
    match _read(event):
        case {"type": str(kind), "item": {"id": str(item_id)}} | {"type": str(kind), "item_id": str(item_id)}:
            return kind != _REMOVED and item_id in items
    return False


def _read(event: bytes) -> dict[str, Any]:
    """The JSON of a server-sent event; none where it is something else."""
    try:
        data = json.loads(event.removeprefix(b"data: "))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
