"""Bodies that are too large for a row: each is an object of its own, and no object is left without its row."""

from __future__ import annotations

import logging
import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store import object_names
from chatkit_aws.store.retention import INTENT
from chatkit_aws.store.rows import Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.keys import Key, ThreadKeys
    from chatkit_aws.store.objects import Objects
    from chatkit_aws.store.table import Table

_log = logging.getLogger(__name__)

MAX_INLINE_BYTES = 64 * 1024
"""The longest body that stays in its row. A row could have six times as much, but DynamoDB takes a hundred times the
price of S3 for it, and sixteen such rows fill a page of a query."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """Puts an object first and has the row refer to it in the transaction that removes the intent to write it.

    Without a bucket every body stays in its row.
    """

    table: Table
    objects: Objects | None

    @asynccontextmanager
    async def keeping(
        self, thread: ThreadKeys, row: Row
    ) -> AsyncIterator[tuple[Row, tuple[TransactWriteItemTypeDef, ...]]]:
        """The row to write, without a body that is too large, and what else its transaction must do.

        If the transaction fails, the object is removed. If it cannot be known whether it failed, the intent stays; it
        expires within days, and cleanup then removes the object unless a row refers to it.
        """
        if self.objects is None or row.body is None or len(row.body) <= MAX_INLINE_BYTES:
            yield row, ()
            return
        name = object_names.items_of_thread(thread) + uuid.uuid4().hex
        intent = thread.owner.intent(name)
        await self._announce(intent, row.key)
        try:
            await self.objects.put(name, row.body)
            yield replace(row, body=None, object=name), (self.table.writes.delete(intent),)
        except StoreUnavailable:
            raise
        except Exception:
            await self._withdraw(name, intent, row.key)
            raise

    async def body_of(self, row: Row) -> bytes | None:
        """What the row holds, or refers to; None if that is gone, and the row with it or the row's content lost.

        Between the row and its object another request may have replaced both, so the row is then read again.
        """
        body = await self._read(row)
        if body is None:
            again = await self.table.get(row.key)
            if again is None:
                return None
            body = await self._read(again)
            if body is None:
                _log.error("an item's object is lost: %s", row.object)
        return body

    async def _read(self, row: Row) -> bytes | None:
        if row.body is not None or row.object is None:
            return row.body
        if self.objects is None:
            message = "an item is in an object, and this store was given no bucket"
            raise StoreRefused(message)
        return await self.objects.get(row.object)

    async def _announce(self, intent: Key, item: Key) -> None:
        writes = self.table.writes
        await self.table.write(
            writes.put(Row(intent, item_pk=item.pk, item_sk=item.sk, expires_at=writes.now + INTENT))
        )

    async def _withdraw(self, name: str, intent: Key, item: Key) -> None:
        assert self.objects is not None  # noqa: S101 - for the type checker
        with suppress(StoreUnavailable, StoreRefused):  # the intent then sees to it
            row = await self.table.get(item)
            if row is not None and row.object == name:
                return  # It was carried out: the answer was lost, and it was the repetition that was refused.
            await self.objects.delete(name)
            await self.table.write(self.table.writes.delete(intent))
