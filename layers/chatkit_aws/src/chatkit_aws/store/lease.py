"""The right to write in a thread while a run answers in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.rows import Row
    from chatkit_aws.store.writes import Writes


@dataclass(frozen=True, slots=True)
class Lease:
    """One run's lease of a thread. Each has a generation of its own, and only the latest one may write.

    `digest` is that of the request, where its client named the run. `before` is the row of the thread's run as it was.
    `others_wrote` where another run may have written in the thread since this lease was asked for: what was read
    meanwhile may be of before that.
    """

    thread: ThreadKeys
    run_id: str
    generation: int
    digest: str | None = field(default=None, compare=False)
    before: Row | None = field(default=None, compare=False)
    others_wrote: bool = field(default=False, compare=False)

    def required(self, writes: Writes) -> TransactWriteItemTypeDef:
        """The part of a transaction that fails unless this lease is the thread's."""
        return writes.check(self.thread.run, "generation = :generation", {":generation": {"N": str(self.generation)}})


class Taking:
    """A lease that is being taken: whoever writes waits for it, and whoever only reads need not.

    A context with such a `lease` has every write of its request require it in the same transaction. So a run that was
    taken for dead, and goes on, changes nothing any more.
    """

    def __init__(self, taking: Coroutine[None, None, Lease]) -> None:
        """Begin to take it."""
        self._task = asyncio.create_task(taking)
        self._task.add_done_callback(_look)

    async def taken(self) -> Lease:
        """The lease, once it is taken; raises what taking it raised. Who is cancelled here leaves it to others."""
        return await asyncio.shield(self._task)


def _look(task: asyncio.Task[Lease]) -> None:
    """Nobody may ask; asyncio would complain about an error that nobody has seen."""
    if not task.cancelled():
        task.exception()
