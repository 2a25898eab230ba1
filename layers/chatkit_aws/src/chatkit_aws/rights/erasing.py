"""What keeps an erasure and a legal hold apart: a row that is there while an erasure runs.

It is written only where there is no hold, and a hold is placed only where it is not there: each in one transaction.
A process may die, or be put to sleep in the middle of a request, so the row counts for five minutes and is renewed all
the time. An erasure sends no deletion from three minutes on after it last renewed the row, and none once another one
has taken it: whoever finds the row lapsed may do what it forbade.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.errors import ChatKitAwsError, Held, StoreUnavailable
from chatkit_aws.rights.errors import ErasureCutOff, ErasureRunning
from chatkit_aws.rights.kinds import ERASURE
from chatkit_aws.store.keys import Key
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT, GONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.keys import Owner

_log = logging.getLogger(__name__)

LEASE = 300
"""Seconds for which the row counts after it was written or renewed."""
_SAFE = 180
"""Seconds after which an erasure that could not renew it deletes nothing more: what was sent until then is carried out
or lost long before the row lapses, and no two machines' clocks are minutes apart (AWS refuses such requests)."""
_RENEWED = 30.0
_MINE = "run_id = :run_id"
_OPEN = f"{GONE} OR attribute_exists(ended)"


@dataclass(slots=True)
class _Lease:
    """Until when deletions may be sent, in seconds since the epoch."""

    storage: Storage
    row: Key
    run_id: str
    until: float = 0.0

    async def take(self, hold: Key) -> None:
        writes = self.storage.table.writes
        row = Row(self.row, run_id=self.run_id, expires_at=writes.now + LEASE)
        try:
            await self.storage.table.transact(writes.check(hold, ABSENT), writes.put(row, _OPEN))
        except ConditionFailed as failed:
            raise (ErasureRunning if failed.rows[0] is False else Held) from None
        self.until = writes.now + _SAFE

    async def keep(self) -> None:
        """Renew it for as long as this runs."""
        while self.until:
            await asyncio.sleep(_RENEWED)
            with suppress(StoreUnavailable):
                await self.renew()

    async def renew(self) -> None:
        """Renew it; nothing is deleted any more if it is no longer this erasure's."""
        writes = self.storage.table.writes
        try:
            await self._change("SET expires_at = :expires_at", {":expires_at": {"N": str(writes.now + LEASE)}})
        except ConditionFailed:
            self.until = 0
        else:
            self.until = writes.now + _SAFE

    async def end(self) -> None:
        """All is done, and nothing is on its way. Raises ErasureCutOff where another erasure has taken it."""
        values = {":run_id": {"S": self.run_id}}
        try:
            await self.storage.table.write(self.storage.table.writes.delete(self.row, _MINE, values))  # type: ignore[arg-type]
        except ConditionFailed:
            raise ErasureCutOff from None

    async def cut_off(self) -> None:
        """Let another erasure go on; what was sent last may yet be carried out, so the row still forbids a hold."""
        self.until = 0
        with suppress(ChatKitAwsError, ConditionFailed):
            await self._change("SET ended = :ended", {":ended": {"S": "cut off"}})

    async def _change(self, change: str, values: dict[str, dict[str, str]]) -> None:
        bound = {**values, ":run_id": {"S": self.run_id}}
        await self.storage.table.write(self.storage.table.writes.update(self.row, change, _MINE, bound))  # type: ignore[arg-type]

    @property
    def is_safe(self) -> bool:
        return self.storage.clock() < self.until


_lease: ContextVar[_Lease] = ContextVar("lease")


def row_of(owner: Owner) -> Key:
    """The row that is there while an erasure of the user runs, and for a while after one that was cut off."""
    return Key(owner.partition, ERASURE)


@asynccontextmanager
async def running(storage: Storage, owner: Owner) -> AsyncIterator[None]:
    """Delete rows and objects within it: no hold is placed meanwhile.

    Raises Held, ErasureRunning, and from any deletion ErasureCutOff if the row could not be kept.
    """
    _fence(storage.client)
    if storage.bucket is not None:
        _fence(storage.bucket.client)
    lease = _Lease(storage, row_of(owner), uuid.uuid4().hex)
    await lease.take(owner.hold)
    token, keeping = _lease.set(lease), asyncio.create_task(lease.keep())
    try:
        yield
        await lease.end()
    except BaseException:
        await lease.cut_off()
        raise
    finally:
        keeping.cancel()
        _lease.reset(token)


def _fence(client: DynamoDBClient | S3Client) -> None:
    """Have a client send no deletion of an erasure that is no longer safe, also not a second time."""
    for operation in ("dynamodb.BatchWriteItem", "s3.DeleteObjects"):
        client.meta.events.register(f"before-send.{operation}", _refuse_late, unique_id=f"chatkit-aws-{operation}")


def _refuse_late(**_: object) -> None:
    lease = _lease.get(None)
    if lease is not None and not lease.is_safe:
        raise ErasureCutOff
