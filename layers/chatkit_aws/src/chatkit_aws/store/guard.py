"""Writing below a thread: only while it is there, and so that it lives on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import FREE, HELD, LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.retention import Retention
    from chatkit_aws.store.table import Table

    type Parts = tuple[TransactWriteItemTypeDef, ...]
    type Below = Callable[[int | None], Parts]
    """The parts of a write, given when its rows are to expire by themselves."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Puts a condition on the thread, and the move of its expiry, into the transaction of every write below it."""

    table: Table
    retention: Retention

    async def write(self, thread: ThreadKeys, below: Below, others: Parts = ()) -> None:
        """Write below a live thread; below one under legal hold nothing expires.

        Raises ThreadNotFound where it was deleted or has expired, and ConditionFailed with what each part met: the
        thread, `below`, `others`.
        """
        writes, retention = self.table.writes, self.retention
        expires_at = retention.of_thread(writes.now, writes.now) if retention.rolls else None
        touch = writes.expire(thread.row, expires_at, f"{LIVE} AND {FREE}")
        try:
            await self.table.transact(touch, *below(retention.of_item(writes.now)), *others)
        except ConditionFailed as failed:
            met = failed.rows[0]
            if met is False:
                raise
            if met is None or met.held_since is None:
                raise ThreadNotFound(thread.thread_id) from None
            await self._write_held(thread, (*below(None), *others))

    async def _write_held(self, thread: ThreadKeys, parts: Parts) -> None:
        try:
            await self.table.transact(self.table.writes.check(thread.row, HELD), *parts)
        except ConditionFailed as failed:
            if failed.rows[0] is False:
                raise
            raise ThreadNotFound(thread.thread_id) from None
