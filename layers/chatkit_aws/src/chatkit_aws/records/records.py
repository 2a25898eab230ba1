"""Typed records of users: added, read, listed, changed and removed, each user's own only."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel

from chatkit_aws.errors import InvalidId, RecordNotFound, StoreUnavailable, UnknownCursor
from chatkit_aws.records.ids import RecordIds, added_at
from chatkit_aws.records.keys import RecordKeys, check_name
from chatkit_aws.records.record import Record, record_of
from chatkit_aws.records.stored import MAX_KEEP_DAYS, Content, StoredRecords
from chatkit_aws.records.values import Values
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.paging import PageRequest, page_of
from chatkit_aws.store.retries import Contended, Retries
from chatkit_aws.store.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatkit.types import Page

    from chatkit_aws.store.dynamodb import Caller
    from chatkit_aws.store.kinds import Kinds
    from chatkit_aws.store.lease import Taking
    from chatkit_aws.store.rows import Row

MOST = 1_000
"""Records of one name that a user may have where nothing else is said."""


class Records[M: BaseModel]:
    """The records of one name: values of one model, each below the keys of the caller's tenant and user.

    Another user's record and one that never existed have the same outcome, and so has one that has expired. A context
    that has a lease has every write require it, as with the store.

    Beside what a method names, all raise StoreUnavailable, StoreRefused and, for a tenant or user that cannot be part
    of a key, InvalidId; those that write raise ItemTooLarge and InvalidItem before anything is written; those that read
    raise InvalidItem for what no longer fits the model, to which fields are therefore to be added with a default.
    """

    def __init__(  # noqa: PLR0913 - all but the first three have a default
        self,
        kinds: Kinds,
        name: str,
        model: type[M],
        *,
        most: int = MOST,
        keep_days: int | None = None,
        clock: Callable[[], float] = time.time,
        retries: Retries | None = None,
    ) -> None:
        """Keep values of `model` beside what `kinds` are of (`DynamoDBStore.kinds`), under a name that stays.

        A user may have `most` of them. One expires `keep_days` after its last change, with 0 never, without it as
        threads do; `clock` gives seconds since the epoch and is to be the store's; `retries` is how patiently `change`
        tries again. Raises InvalidId for a name that is none, ValueError for days that are none.
        """
        self._kinds, self._name, self._values = kinds, check_name(name), Values(model)
        self._most = most
        self._keep_days = kinds.retention.days if keep_days is None else keep_days
        if not 0 <= self._keep_days <= MAX_KEEP_DAYS:
            message = f"records are kept for 0 to {MAX_KEEP_DAYS:,} days, not {keep_days}"
            raise ValueError(message)
        self._clock = clock
        self._new_id = RecordIds(clock)
        self._retries = retries or Retries()

    async def add(self, value: M, context: Caller) -> Record[M]:
        """Keep a new value. Raises RecordsFull."""
        stored, record_id = self._stored(context), self._new_id()
        content = Content(self._values.dump(value), added_at(record_id), self._keep_days)
        return self._record(await stored.add(record_id, content, self._most), content.text)

    async def get(self, record_id: str, context: Caller) -> Record[M]:
        """The record with this id. Raises RecordNotFound."""
        stored = self._stored(context)
        row = await self._find(stored, record_id)
        return self._record(row, await stored.text(row))

    async def page(self, after: str | None, limit: int, order: str, context: Caller) -> Page[Record[M]]:
        """By time of adding. Raises UnknownCursor, InvalidOrder.

        `after` is the id of a record, which may have been removed since; `limit` is brought into 1 to 100.
        """
        request, stored = PageRequest.of(after, limit, order), self._stored(context)
        try:
            rows = await stored.after(request)
        except InvalidId:
            raise UnknownCursor(after) from None
        shown = request.shown(rows)
        texts = await asyncio.gather(*map(stored.text, shown))
        return page_of(rows, shown, [self._record(row, text) for row, text in zip(shown, texts, strict=True)])

    async def change(self, record_id: str, change: Callable[[M], M], context: Caller) -> Record[M]:
        """Replace a value by what `change` makes of it; nobody else's change is lost. Raises RecordNotFound.

        `change` is called again where others changed the record meanwhile, so it does nothing but compute; what it
        raises ends this, and nothing is written.
        """
        stored = self._stored(context)

        async def attempt() -> Record[M]:
            row = await self._find(stored, record_id)
            text = self._values.dump(change(self._values.load(await stored.text(row))))
            try:
                changed = await stored.change(row, Content(text, int(self._clock() * 1000), self._keep_days))
            except Contended as busy:  # it may yet be carried out, and must not be twice
                raise StoreUnavailable(str(busy)) from busy
            except ConditionFailed:
                message = "others changed the record each time"
                raise Contended(message) from None
            return self._record(changed, text)

        return await self._retries.run(attempt)

    async def remove(self, record_id: str, context: Caller) -> bool:
        """Remove a record; whether it was there. Raises Held under legal hold."""
        stored = self._stored(context)
        try:
            return await stored.remove(record_id)
        except InvalidId:
            return False

    async def _find(self, stored: StoredRecords, record_id: str) -> Row:
        """Raises RecordNotFound."""
        try:
            row = await stored.find(record_id)
        except InvalidId:
            row = None
        if row is None:
            raise RecordNotFound(record_id)
        return row

    def _stored(self, context: Caller) -> StoredRecords:
        """The caller's rows as this request may write them: within its run's lease, if it has one."""
        lease: Taking | None = getattr(context, "lease", None)
        kinds = self._kinds if lease is None else self._kinds.under(lease)
        owner = Owner.of(context.tenant_id, context.user_id)
        return StoredRecords(kinds.table, kinds.bodies, RecordKeys(owner, self._name))

    def _record(self, row: Row, text: bytes) -> Record[M]:
        return record_of(row, self._values.load(text))
