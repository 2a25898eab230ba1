"""Writing below a thread: only while it is there, and so that it lives on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from chatkit_aws.errors import StoreUnavailable, ThreadNotFound
from chatkit_aws.store import keys
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import EXPIRING, FREE, HELD, LASTING, LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.retention import Retention
    from chatkit_aws.store.rows import Row
    from chatkit_aws.store.table import Table

    type Parts = tuple[TransactWriteItemTypeDef, ...]
    type Below = Callable[[int | None], Parts]
    """The parts of a write, given when its rows are to expire by themselves."""

MAX_CHANGES = 5
"""How often a thread may turn out to be other than it was met: a hold is placed or lifted, an expiry set."""


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
        touch, expires_at = self._touch(thread), self.retention.of_item(self.table.writes.now)
        for _ in range(MAX_CHANGES):
            try:
                return await self.table.transact(touch, *below(expires_at), *others)
            except ConditionFailed as failed:
                if (met := failed.rows[0]) is False:
                    raise
            touch, expires_at = self._as_it_is(thread, met)
        message = "the thread's legal hold or expiry changed again and again"
        raise StoreUnavailable(message)

    def _touch(self, thread: ThreadKeys) -> TransactWriteItemTypeDef:
        """The thread is there and free, and its expiry is as it is to be, or becomes so."""
        writes, retention = self.table.writes, self.retention
        if retention.rolls:
            return writes.expire(thread.row, retention.of_thread(writes.now, writes.now), f"{LIVE} AND {FREE}")
        return writes.check(thread.row, f"{LIVE} AND {FREE} AND {EXPIRING if retention.days else LASTING}")

    def _as_it_is(self, thread: ThreadKeys, met: Row | None) -> tuple[TransactWriteItemTypeDef, int | None]:
        """What to require of the thread as it was met, and when rows below it expire. Raises ThreadNotFound."""
        writes, retention = self.table.writes, self.retention
        if met is None or (met.expires_at is not None and met.expires_at <= writes.now):
            raise ThreadNotFound(thread.thread_id)
        expires_at = retention.of_item(writes.now)
        if met.held_since is not None:
            return writes.check(thread.row, HELD), None
        if not retention.days:
            return writes.update(thread.row, "REMOVE expires_at", f"{LIVE} AND {FREE}", {}), expires_at
        if not retention.rolls and met.expires_at is None:
            # It is from a time when threads were kept for ever; it is there for today at least.
            created_at = keys.created_at_of(met.by_time or "").replace(tzinfo=UTC).timestamp()
            until = max(retention.of_thread(writes.now, created_at) or 0, writes.now + DAY)
            return writes.expire(thread.row, until, f"{LIVE} AND {FREE}"), expires_at
        return self._touch(thread), expires_at
