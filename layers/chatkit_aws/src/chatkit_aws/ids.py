"""New ids: a prefix for the type, then a ULID, whose 48 bits of time sort and whose 80 random bits do not collide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ulid import LaxMonotonicPolicy, ULIDGenerator

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatkit.store import StoreItemType

_PREFIXES: dict[StoreItemType, str] = {
    "thread": "thr",
    "message": "msg",
    "tool_call": "tc",
    "task": "tsk",
    "workflow": "wf",
    "attachment": "atc",
    "sdk_hidden_context": "shcx",
}


_OWN = re.compile(rf"(?:{'|'.join(_PREFIXES.values())})_[0-9A-HJKMNP-TV-Z]{{26}}")


def is_own(text: str | None) -> bool:
    """Whether a client's text is made like an id of ours, and so may stand in a log."""
    return text is not None and _OWN.fullmatch(text) is not None


class UlidIds:
    """Makes ids such as `thr_01KASVN8Z0T4XN8ZC6V2M1QEJB`; those of one process ascend, also within a millisecond."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the time, in seconds since the epoch, from `clock`."""
        self._generator = ULIDGenerator(clock=lambda: int(clock() * 1000), policy=LaxMonotonicPolicy())

    def __call__(self, item_type: StoreItemType) -> str:
        """A new id for a thing of `item_type`."""
        return f"{_PREFIXES[item_type]}_{self._generator.generate()}"
