"""Attachments: rows of their owner; once a message has them they go with its thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatkit_aws.errors import AttachmentNotFound, Held, StoreUnavailable
from chatkit_aws.store import codec, keys
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.guard import MAX_CHANGES
from chatkit_aws.store.retention import UNATTACHED
from chatkit_aws.store.rows import Row, values_of
from chatkit_aws.store.table import ConditionFailed
from chatkit_aws.store.writes import ABSENT, NOT_EXPIRED, PRESENT

if TYPE_CHECKING:
    from chatkit.types import Attachment
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.guard import Guard, Parts
    from chatkit_aws.store.keys import Owner
    from chatkit_aws.store.table import Table

_UPSERT = "SET by_time = if_not_exists(by_time, :by_time), #body = :body"
_FREE = f"attribute_not_exists(thread) AND {NOT_EXPIRED}"
_THERE = "thread = :thread"


@dataclass(frozen=True, slots=True)
class Attachments:
    """Reads and writes the rows of attachments."""

    table: Table
    bodies: Bodies
    guard: Guard

    async def save(self, owner: Owner, attachment: Attachment, created_at: datetime | None = None) -> None:
        """Write an attachment: for a day, or for as long as its thread, which it stays with.

        A new one is of now, or of `created_at`. Raises ThreadNotFound, and AttachmentNotFound for one that has expired.
        """
        if attachment.thread_id is not None:
            return await self._attach(owner, attachment, NOT_EXPIRED, created_at)
        met = await self._save_free(owner, attachment, created_at)
        if met is None:
            return None
        attached = {"thread_id": keys.unescape(met)}
        try:
            there = f"{_THERE} AND {NOT_EXPIRED}"
            return await self._attach(owner, attachment.model_copy(update=attached), there, created_at)
        except AttachmentNotFound:  # it was removed since, or went on to another thread
            return await self.save(owner, attachment, created_at)

    async def load(self, owner: Owner, attachment_id: str) -> Attachment | None:
        """The attachment with this id, if it is there and so is the thread that it goes with."""
        row = await self.table.get(owner.attachment(attachment_id))
        if row is None or row.body is None:
            return None
        if row.thread is not None and await self.table.get(owner.thread(keys.unescape(row.thread)).row) is None:
            return None
        text = await self.bodies.open(row.body, Scope(owner.tenant_id, None), row.key)
        return codec.load_attachment(text, attachment_id)

    async def delete(self, owner: Owner, attachment_id: str) -> None:
        """Remove an attachment, if it is there. Raises Held."""
        row = await self.table.get(owner.attachment(attachment_id))
        if row is None:
            return
        writes = self.table.writes
        parts = [writes.check(owner.hold, ABSENT), writes.delete(row.key)]
        if row.thread is not None:
            parts.append(writes.delete(owner.thread(keys.unescape(row.thread)).attached(attachment_id)))
        try:
            await self.table.transact(*parts)
        except ConditionFailed:
            raise Held from None

    async def _attach(self, owner: Owner, attachment: Attachment, condition: str, created_at: datetime | None) -> None:
        """Write it below its thread, which it then goes with."""
        thread = owner.thread(str(attachment.thread_id))
        row = await self._row(owner, attachment, created_at)

        def below(expires_at: int | None) -> Parts:
            mark = Row(thread.attached(attachment.id), expires_at=expires_at)
            attached = self._upsert(row, expires_at, condition, thread.escaped)
            return attached, self.table.writes.put(mark)

        try:
            await self.guard.write(thread, below)
        except ConditionFailed:
            raise AttachmentNotFound(attachment.id) from None

    async def _save_free(self, owner: Owner, attachment: Attachment, created_at: datetime | None) -> str | None:
        """Write it for a day, or as long as its owner is under hold; not if it goes with a thread, which it gives."""
        writes = self.table.writes
        row = await self._row(owner, attachment, created_at)
        for condition, until in ((ABSENT, writes.now + UNATTACHED), (PRESENT, None)) * MAX_CHANGES:
            try:
                await self.table.transact(writes.check(owner.hold, condition), self._upsert(row, until, _FREE))
            except ConditionFailed as failed:
                met = failed.rows[1]
            else:
                return None
            if met and met.thread is not None:
                return met.thread
            if met:
                raise AttachmentNotFound(attachment.id)
        message = "a legal hold was placed and lifted again and again"
        raise StoreUnavailable(message)

    async def _row(self, owner: Owner, attachment: Attachment, created_at: datetime | None) -> Row:
        key = owner.attachment(attachment.id)
        body = await self.bodies.close(codec.dump_attachment(attachment), Scope(owner.tenant_id, None), key)
        since = created_at or datetime.fromtimestamp(self.table.writes.now, UTC)
        return Row(key, keys.by_time(keys.ATTACHMENT, since, attachment.id), body)

    def _upsert(
        self, row: Row, expires_at: int | None, condition: str, thread: str | None = None
    ) -> TransactWriteItemTypeDef:
        """Write it or replace what it holds; its first place in time stays."""
        values = {f":{name}": value for name, value in values_of(row).items()}
        change = _UPSERT
        if thread is not None:
            change += ", thread = :thread"
            values[":thread"] = {"S": thread}
        if expires_at is None:
            return self.table.writes.update(row.key, f"{change} REMOVE expires_at", condition, values)
        values[":expires_at"] = {"N": str(expires_at)}
        return self.table.writes.update(row.key, f"{change}, expires_at = :expires_at", condition, values)
