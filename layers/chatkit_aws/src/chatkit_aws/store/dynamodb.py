"""ChatKit's store on one DynamoDB table, for any number of tenants and users."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, override

from chatkit.store import Store
from chatkit.types import Page

from chatkit_aws.context import RequestContext
from chatkit_aws.errors import AttachmentNotFound, InvalidId, ItemNotFound, ThreadNotFound, UnknownCursor
from chatkit_aws.ids import UlidIds
from chatkit_aws.store import codec, keys
from chatkit_aws.store.paging import PageRequest, page_of
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import ConditionFailed, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatkit.store import StoreItemType
    from chatkit.types import Attachment, ThreadItem, ThreadMetadata
    from types_boto3_dynamodb.client import DynamoDBClient

    from chatkit_aws.store.codec import Row
    from chatkit_aws.store.keys import Key

_log = logging.getLogger(__name__)

DELETED_SECONDS = 24 * 60 * 60
"""How long a deleted thread cannot be saved again: longer than any stream runs that still holds the thread."""


class DynamoDBStore(Store[RequestContext]):
    """Threads, items and attachments, each below the keys of the caller's tenant and user.

    A thread's items are there as long as its row is: writing an item requires it in the same transaction, reading
    items reads it at the same time, and deleting it is one request whatever the thread's size. Another user's id and
    one that never existed have the same outcome.

    Beside what a method names, all raise StoreUnavailable, StoreRefused and, for a tenant or user that cannot be part
    of a key, InvalidId; those that write raise ItemTooLarge and InvalidItem before anything is written.
    """

    def __init__(
        self,
        table: str,
        client: DynamoDBClient,
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[StoreItemType], str] | None = None,
        retries: Retries | None = None,
    ) -> None:
        """Store in the table named `table`; `clock` gives seconds since the epoch."""
        self._table = Table(table, client, clock, retries or Retries())
        self._clock = clock
        self._new_id = new_id or UlidIds(clock)

    @override
    def generate_thread_id(self, context: RequestContext) -> str:
        return self._new_id("thread")

    @override
    def generate_item_id(self, item_type: StoreItemType, thread: ThreadMetadata, context: RequestContext) -> str:
        return self._new_id(item_type)

    @override
    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        """Raises ThreadNotFound."""
        row = await self._table.get(_thread_key(context, thread_id))
        if row is None:
            raise ThreadNotFound(thread_id)
        return codec.thread_of(row)

    @override
    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        """Create a thread or replace its metadata; its first time of creation stays.

        Raises ThreadNotFound for a thread that was deleted within the last day or has expired: a stream that still
        holds it must not bring it back. Raises InvalidId for an id that cannot be part of a key.
        """
        user = _user(context)
        row = codec.thread_row(user, thread)
        writes = self._table.writes
        deleted = keys.deleted_thread_key(user, thread.id)
        try:
            await self._table.transact(writes.forbid(deleted), writes.upsert(row))
        except ConditionFailed:
            raise ThreadNotFound(thread.id) from None

    @override
    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        """By time of creation, then id. Raises UnknownCursor, InvalidOrder."""
        request = PageRequest.of(after, limit, order)
        user = _user(context)
        rows = await self._list(user, keys.THREAD, request, lambda thread_id: keys.thread_key(user, thread_id))
        if rows is None:
            raise UnknownCursor(after)
        return page_of(request, [codec.thread_of(row) for row in rows])

    @override
    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        """One request; the items are out of reach from then on. An unknown thread is no error."""
        user = _user(context)
        writes = self._table.writes
        try:
            thread, deleted = keys.thread_key(user, thread_id), keys.deleted_thread_key(user, thread_id)
            await self._table.transact(writes.delete(thread), writes.mark(deleted, DELETED_SECONDS))
        except (InvalidId, ConditionFailed):
            return

    @override
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        """By time of creation, then id; an unknown thread has none. Raises UnknownCursor, InvalidOrder."""
        request = PageRequest.of(after, limit, order)
        user = _user(context)
        try:
            thread, partition = keys.thread_key(user, thread_id), keys.thread_partition(user, thread_id)
        except InvalidId:
            return Page()
        items = self._list(partition, keys.ITEM, request, lambda item_id: keys.item_key(user, thread_id, item_id))
        thread_row, rows = await asyncio.gather(self._table.get(thread), items)
        if thread_row is None:
            return Page()
        if rows is None:
            raise UnknownCursor(after)
        return page_of(request, [codec.item_of(row) for row in rows])

    @override
    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        """Raises ItemNotFound, also where it is the thread that is unknown."""
        user = _user(context)
        try:
            thread, item = keys.thread_key(user, thread_id), keys.item_key(user, thread_id, item_id)
        except InvalidId:
            raise ItemNotFound(thread_id, item_id) from None
        thread_row, row = await asyncio.gather(self._table.get(thread), self._table.get(item))
        if thread_row is None or row is None:
            raise ItemNotFound(thread_id, item_id)
        return codec.item_of(row)

    @override
    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Store a new item; an id that the thread already has keeps its first item.

        The SDK adds some items twice. Only a workflow is then the newer one: it is added once open and again when it
        went on in a later turn. Raises ThreadNotFound, and InvalidId for an id that cannot be part of a key.
        """
        if item.type == "workflow":
            await self.save_item(thread_id, item, context)
            return
        thread = _thread_key(context, thread_id)
        row = codec.item_row(thread.pk, thread_id, item)
        writes = self._table.writes
        try:
            await self._table.transact(writes.require(thread), writes.insert(row))
        except ConditionFailed as failed:
            thread_failed, kept = failed.rows
            if thread_failed:
                raise ThreadNotFound(thread_id) from None
            _warn_of_another_type(row, kept)

    @override
    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        """Store an item or replace the one of its id, which keeps its time and so its place.

        Raises ThreadNotFound, and InvalidId for an id that cannot be part of a key.
        """
        thread = _thread_key(context, thread_id)
        row = codec.item_row(thread.pk, thread_id, item)
        writes = self._table.writes
        try:
            await self._table.transact(writes.require(thread), writes.upsert(row))
        except ConditionFailed:
            raise ThreadNotFound(thread_id) from None

    @override
    async def delete_thread_item(self, thread_id: str, item_id: str, context: RequestContext) -> None:
        """An unknown item or thread is no error."""
        user = _user(context)
        try:
            key = keys.item_key(user, thread_id, item_id)
        except InvalidId:
            return
        await self._table.delete(key)

    @override
    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        """Create an attachment or replace its metadata. Raises InvalidId for an id that cannot be part of a key."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        await self._table.upsert(codec.attachment_row(_user(context), attachment, now))

    @override
    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        """Raises AttachmentNotFound."""
        user = _user(context)
        try:
            key = keys.attachment_key(user, attachment_id)
        except InvalidId:
            raise AttachmentNotFound(attachment_id) from None
        row = await self._table.get(key)
        if row is None:
            raise AttachmentNotFound(attachment_id)
        return codec.attachment_of(row)

    @override
    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        """An unknown attachment is no error."""
        user = _user(context)
        try:
            key = keys.attachment_key(user, attachment_id)
        except InvalidId:
            return
        await self._table.delete(key)

    async def _list(
        self, partition: str, kind: str, request: PageRequest, key_of: Callable[[str], Key]
    ) -> list[Row] | None:
        """The rows for a page, one more than it has where more follow; None if `request.after` is unknown."""
        start = None
        if request.after is not None:
            try:
                start = await self._table.get(key_of(request.after))
            except InvalidId:
                return None
            if start is None:
                return None
        return await self._table.query(partition, kind, request.look_ahead, forward=request.forward, start=start)


def _user(context: RequestContext) -> str:
    return keys.user_partition(context.tenant_id, context.user_id)


def _thread_key(context: RequestContext, thread_id: str) -> Key:
    user = _user(context)
    try:
        return keys.thread_key(user, thread_id)
    except InvalidId:
        raise ThreadNotFound(thread_id) from None


def _warn_of_another_type(row: Row, kept: Row | bool) -> None:
    """Say that two different things came under one id: the second is lost, and whoever made the id is at fault."""
    if not isinstance(kept, bool) and kept.type != row.type:
        _log.warning("kept the first item of an id: key=%s type=%s dropped=%s", row.key.sk, kept.type, row.type)
