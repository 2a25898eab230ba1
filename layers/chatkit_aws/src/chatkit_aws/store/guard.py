"""Writing below a thread: only while it is there, and so that it lives on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import FREE, HELD, LASTING, LIVE

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
        writes, expires_at = self.table.writes, self.retention.of_item(self.table.writes.now)
        try:
            await self.table.transact(self._touch(thread), *below(expires_at), *others)
        except ConditionFailed as failed:
            met = failed.rows[0]
            if met is False:
                raise
            if met and met.held_since is not None:
                await self._write(thread, writes.check(thread.row, HELD), (*below(None), *others))
            elif met and not self.retention.days:
                await self._write(thread, self._keep(thread), (*below(expires_at), *others))
            else:
                raise ThreadNotFound(thread.thread_id) from None

    async def _write(self, thread: ThreadKeys, touch: TransactWriteItemTypeDef, parts: Parts) -> None:
        try:
            await self.table.transact(touch, *parts)
        except ConditionFailed as failed:
            if failed.rows[0] is False:
                raise
            raise ThreadNotFound(thread.thread_id) from None

    def _touch(self, thread: ThreadKeys) -> TransactWriteItemTypeDef:
        """The thread is there and free, and its expiry is as it is to be, or becomes so."""
        writes, retention = self.table.writes, self.retention
        if retention.rolls:
            return writes.expire(thread.row, retention.of_thread(writes.now, writes.now), f"{LIVE} AND {FREE}")
        return writes.check(thread.row, f"{LIVE} AND {FREE}" + ("" if retention.days else f" AND {LASTING}"))

    def _keep(self, thread: ThreadKeys) -> TransactWriteItemTypeDef:
        """Take away the expiry that the thread has of a time when threads were not kept for ever."""
        return self.table.writes.update(thread.row, "REMOVE expires_at", f"{LIVE} AND {FREE}", {})
