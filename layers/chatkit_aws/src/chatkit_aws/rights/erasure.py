"""Removing all that there is of a user.

Threads are deleted as a user deletes them, so that whoever still writes to one is refused, and what is below them is
removed by the same cascade; then everything else of the user's goes, whatever it is. The marks of deleted threads,
which keep a running answer from bringing its thread back, go last, and with them the intents, which name the objects
that it may yet put. Then it is looked whether anything is left. No legal hold is placed meanwhile (`erasing`).
It may be cut off at any moment; the same again does the rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.rights import erasing
from chatkit_aws.rights.eraser import Eraser
from chatkit_aws.rights.kinds import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatkit_aws.rights.storage import Account, Storage

ROUNDS = 3
"""How often it begins again if a thread comes back while it works."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed, by kind, and what is left: nothing, unless the user went on writing.

    `found_by_scan` are rows of threads that nothing referred to; None if there was no scan.
    """

    rows: Mapping[str, int]
    objects: Mapping[str, int]
    left: Mapping[str, int]
    found_by_scan: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left."""
        return not self.left


async def erase(storage: Storage, account: Account, *, settle: float = 0, scan: bool = False) -> Erased:
    """Remove all that there is of a user; `settle` is how many seconds the marks of deleted threads stay before.

    `scan` reads the whole table for rows of the user's that nothing refers to. Raises Held, ErasureRunning before
    anything is removed; ErasureCutOff, StoreUnavailable, StoreRefused.
    """
    tally = Tally()
    eraser = Eraser(storage.counting(tally), account.owner, tally)
    await eraser.refuse_if_held()  # so that nothing at all is written
    async with erasing.running(storage, account.owner):
        await eraser.refuse_if_held()  # a hold may have come and be on its way out since
        left = await _remove(eraser, settle)
        found = await eraser.scan() if scan else None
    return Erased(dict(tally.rows), dict(tally.objects), dict(left), found)


async def _remove(eraser: Eraser, settle: float) -> Counter[str]:
    """Remove everything, again if something comes back; gives what is left."""
    left: Counter[str] = Counter()
    for _ in range(ROUNDS):
        await eraser.remove()
        await asyncio.sleep(settle if await eraser.has_marks() else 0)
        await eraser.remove_marks()
        left = await eraser.left()
        if not left:
            break
    return left
