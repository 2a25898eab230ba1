"""Threads: a row each in their owner's partition, listed by time of creation."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from chatkit_aws.errors import Held, StoreUnavailable, ThreadNotFound
from chatkit_aws.store import codec, keys
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.guard import MAX_CHANGES
from chatkit_aws.store.retention import DELETED
from chatkit_aws.store.rows import Row, values_of
from chatkit_aws.store.table import ConditionFailed, Span
from chatkit_aws.store.writes import ABSENT, ANY, FREE, GONE, HELD, LIVE, NOT_EXPIRED, PRESENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkit.types import ThreadMetadata
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.guard import Parts
    from chatkit_aws.store.keys import Owner, ThreadKeys
    from chatkit_aws.store.paging import PageRequest
    from chatkit_aws.store.retention import Retention
    from chatkit_aws.store.table import Table

# The first time of a row stays, so it keeps its place in the list.
_UPSERT = "SET by_time = if_not_exists(by_time, :by_time), #body = :body"


@dataclass(frozen=True, slots=True)
class Threads:
    """Reads and writes the rows of threads."""

    table: Table
    bodies: Bodies
    retention: Retention

    async def load(self, owner: Owner, rows: Sequence[Row]) -> list[ThreadMetadata]:
        """The threads in rows."""
        return await asyncio.gather(*(self._thread_of(owner, row) for row in rows))

    async def after(self, owner: Owner, request: PageRequest, start: Row | None) -> list[Row]:
        """The rows for a page, one more than it has where more follow."""
        span = Span(owner.partition, keys.THREAD, index=True)
        return await self.table.query(span, request.look_ahead, forward=request.forward, start=start)

    async def save(self, owner: Owner, thread: ThreadMetadata) -> None:
        """Create a thread or replace what it holds, but for the title that the user gave.

        Raises ThreadNotFound for one that was deleted within the last month or has expired.
        """
        refs = owner.thread(thread.id)
        body = await self.bodies.close(codec.dump_thread(thread), _scope(refs), refs.row)
        row = Row(refs.row, keys.by_time(keys.THREAD, thread.created_at, thread.id), body)
        created_at = keys.naive_utc(thread.created_at).replace(tzinfo=UTC).timestamp()
        row = dataclasses.replace(row, expires_at=self.retention.of_thread(self.table.writes.now, created_at))
        for _ in range(MAX_CHANGES):
            try:
                return await self.table.transact(*self._free(refs, row))
            except ConditionFailed as failed:
                is_owner_held = self._is_owner_held(refs, failed)
            with suppress(ConditionFailed):
                return await self.table.transact(*self._held(refs, row, is_owner_held=is_owner_held))
        message = "a legal hold was placed and lifted again and again"
        raise StoreUnavailable(message)

    async def rename(self, refs: ThreadKeys, title: str) -> ThreadMetadata:
        """Give a thread the user's title, which no later `save` changes. Raises ThreadNotFound, InvalidItem."""
        sealed = await self.bodies.close(codec.dump_title(title), _scope(refs), refs.row, "title")
        part = self.table.writes.update(refs.row, "SET title = :title", LIVE, {":title": {"B": sealed}})
        try:
            await self.table.write(part)
        except ConditionFailed:
            raise ThreadNotFound(refs.thread_id) from None
        row = await self.table.get(refs.row)
        if row is None:
            raise ThreadNotFound(refs.thread_id)
        return await self._thread_of(refs.owner, row)

    async def delete(self, refs: ThreadKeys) -> None:
        """One request whatever is in the thread; one that is not there is no error. Raises Held."""
        writes = self.table.writes
        mark = Row(refs.deleted, expires_at=writes.now + DELETED)
        try:
            await self.table.transact(writes.delete(refs.row, f"{PRESENT} AND {FREE}"), writes.put(mark))
        except ConditionFailed as failed:
            if failed.rows[0] and failed.rows[0].held_since is not None:
                raise Held from None

    async def _thread_of(self, owner: Owner, row: Row) -> ThreadMetadata:
        refs = owner.thread(keys.id_of(row.key.sk))
        text = await self.bodies.open(row.body or b"", _scope(refs), row.key)
        title = None if row.title is None else await self.bodies.open(row.title, _scope(refs), row.key, "title")
        created_at = keys.created_at_of(row.by_time or "")
        return codec.load_thread(text, refs.thread_id, created_at, None if title is None else title.decode())

    def _is_owner_held(self, refs: ThreadKeys, failed: ConditionFailed) -> bool:
        """Whether a thread was refused for its owner, or for itself alone. Raises ThreadNotFound for neither."""
        deleted, hold, met = failed.rows
        if deleted is not False or not (hold or (met and met.held_since is not None)):
            raise ThreadNotFound(refs.thread_id) from None
        return bool(hold)

    def _free(self, refs: ThreadKeys, row: Row) -> Parts:
        """For an owner who is not under hold: the row with its expiry."""
        writes = self.table.writes
        change, values = _UPSERT, _values(row)
        if row.expires_at is not None:
            expiry = ":expires_at" if self.retention.rolls else "if_not_exists(expires_at, :expires_at)"
            change = f"{change}, expires_at = {expiry}"
            values[":expires_at"] = {"N": str(row.expires_at)}
        else:
            change = f"{change} REMOVE expires_at"
        return (
            writes.check(refs.deleted, GONE),
            writes.check(refs.owner.hold, ABSENT),
            writes.update(row.key, change, f"{FREE} AND {NOT_EXPIRED}", values),
        )

    def _held(self, refs: ThreadKeys, row: Row, *, is_owner_held: bool) -> Parts:
        """For an owner under hold: the row without an expiry, and under hold as well."""
        writes = self.table.writes
        change = f"{_UPSERT}, held_since = if_not_exists(held_since, :now) REMOVE expires_at"
        values = _values(row)
        values[":now"] = {"N": str(writes.now)}
        update = writes.update(row.key, change, ANY if is_owner_held else HELD, values)
        return (
            writes.check(refs.deleted, GONE),
            *((writes.check(refs.owner.hold, PRESENT),) if is_owner_held else ()),
            update,
        )


def _values(row: Row) -> dict[str, AttributeValueTypeDef]:
    values = values_of(row)
    return {":by_time": values["by_time"], ":body": values["body"]}


def _scope(refs: ThreadKeys) -> Scope:
    return Scope(refs.owner.tenant_id, refs.thread_id)
