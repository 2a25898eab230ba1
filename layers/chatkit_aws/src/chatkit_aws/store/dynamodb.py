"""ChatKit's store on one DynamoDB table, for any number of tenants and users."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol, override

from chatkit.store import Store
from chatkit.types import Page

from chatkit_aws import clients
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import AttachmentNotFound, Held, InvalidId, ItemNotFound, ThreadNotFound, UnknownCursor
from chatkit_aws.ids import UlidIds
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.keys import Owner
from chatkit_aws.store.kinds import Kinds
from chatkit_aws.store.paging import PageRequest, page_of
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.retries import Retries
from chatkit_aws.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatkit.store import StoreItemType
    from chatkit.types import Attachment, FeedbackKind, ThreadItem, ThreadMetadata
    from types_boto3_dynamodb.client import DynamoDBClient

    from chatkit_aws.store.bodies import Cipher
    from chatkit_aws.store.codec import Feedback
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.lease import Taking
    from chatkit_aws.store.objects import Objects
    from chatkit_aws.store.rows import Row


class Caller(Protocol):
    """Whatever a server's request context is, as long as it says whose data it is about, from verified claims.

    It may also have a `lease`, within which all is written (`lease.Taking`), and the `new_thread_id` of a thread to be.
    """

    @property
    def tenant_id(self) -> str:
        """The tenant."""

    @property
    def user_id(self) -> str:
        """The user within the tenant."""


class DynamoDBStore[ContextT: Caller = RequestContext](Store[ContextT]):
    """Threads, items and attachments, each below the keys of the caller's tenant and user.

    A thread's items are there as long as its row is: writing an item requires it in the same transaction, reading
    items reads it at the same time, and deleting it is one request whatever the thread's size. Another user's id and
    one that never existed have the same outcome, and so has what has expired.

    Beside what a method names, all raise StoreUnavailable, StoreRefused and, for a tenant or user that cannot be part
    of a key, InvalidId; those that write raise ItemTooLarge and InvalidItem before anything is written.
    """

    def __init__(  # noqa: PLR0913 - all but the first have a default
        self,
        table_name: str,
        client: DynamoDBClient | None = None,
        *,
        objects: Objects | None = None,
        cipher: Cipher | None = None,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[StoreItemType], str] | None = None,
        retries: Retries | None = None,
    ) -> None:
        """Store in a table as `schema.create_table` makes it.

        `objects` takes items that are too large for a row, `cipher` makes what is stored unreadable without its
        tenant's key, `retention` says when threads expire (without it, never); `clock` gives seconds since the epoch.
        """
        table = Table(table_name, client or clients.dynamodb_client(), clock, retries or Retries())
        self._all = Kinds(table, Bodies(cipher), objects, retention or Retention())
        self._new_id = new_id or UlidIds(clock)

    @property
    def kinds(self) -> Kinds:
        """What is in the table, for what goes beyond ChatKit's own store."""
        return self._all

    @override
    def generate_thread_id(self, context: ContextT) -> str:
        return getattr(context, "new_thread_id", None) or self._new_id("thread")

    @override
    def generate_item_id(self, item_type: StoreItemType, thread: ThreadMetadata, context: ContextT) -> str:
        return self._new_id(item_type)

    @override
    async def load_thread(self, thread_id: str, context: ContextT) -> ThreadMetadata:
        """Raises ThreadNotFound."""
        thread = _thread(context, thread_id)
        row = await self._all.table.get(thread.row)
        if row is None:
            raise ThreadNotFound(thread_id)
        return (await self._of(context).threads.load(thread.owner, [row]))[0]

    async def check_free(self, thread_id: str, context: ContextT) -> None:
        """Raises Held where nothing of the thread may be removed now, and ThreadNotFound."""
        row = await self._all.table.get(_thread(context, thread_id).row)
        if row is None:
            raise ThreadNotFound(thread_id)
        if row.held_since is not None:
            raise Held

    @override
    async def save_thread(self, thread: ThreadMetadata, context: ContextT) -> None:
        """Create a thread or replace its metadata; its first time of creation and the user's own title stay.

        Raises ThreadNotFound for a thread that was deleted within the last month or has expired: a stream that still
        holds it must not bring it back. Raises InvalidId for an id that cannot be part of a key.
        """
        await self._of(context).threads.save(_owner(context), thread)

    async def rename_thread(self, thread_id: str, title: str, context: ContextT) -> ThreadMetadata:
        """Give a thread the title that its user wants; `save_thread` leaves it alone from then on.

        Raises ThreadNotFound.
        """
        return await self._of(context).threads.rename(_thread(context, thread_id), title)

    @override
    async def load_threads(self, limit: int, after: str | None, order: str, context: ContextT) -> Page[ThreadMetadata]:
        """By time of creation, then id. Raises UnknownCursor, InvalidOrder."""
        request = PageRequest.of(after, limit, order)
        owner = _owner(context)
        start = await self._start_of_threads(owner, after)
        rows = await self._of(context).threads.after(owner, request, start)
        shown = request.shown(rows)
        return page_of(rows, shown, await self._of(context).threads.load(owner, shown))

    @override
    async def delete_thread(self, thread_id: str, context: ContextT) -> None:
        """One request; the items are out of reach from then on. An unknown thread is no error. Raises Held."""
        owner = _owner(context)
        try:
            thread = owner.thread(thread_id)
        except InvalidId:
            return
        await self._of(context).threads.delete(thread)

    @override
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: ContextT
    ) -> Page[ThreadItem]:
        """By time of creation, then id; an unknown thread has none. Raises UnknownCursor, InvalidOrder.

        A page of very large items has fewer of them than were asked for, and so has one with an item that cannot be
        read; its cursor is right nonetheless.
        """
        request = PageRequest.of(after, limit, order)
        owner = _owner(context)
        try:
            thread = owner.thread(thread_id)
        except InvalidId:
            return Page()
        thread_row, rows = await asyncio.gather(self._all.table.get(thread.row), self._rows_after(thread, request))
        if thread_row is None:
            return Page()
        if rows is None:
            raise UnknownCursor(after)
        shown = request.shown(rows)
        return page_of(rows, shown, await self._of(context).items.readable(thread, shown))

    @override
    async def load_item(self, thread_id: str, item_id: str, context: ContextT) -> ThreadItem:
        """Raises ItemNotFound, also where it is the thread that is unknown."""
        owner = _owner(context)
        try:
            thread = owner.thread(thread_id)
            found = self._of(context).items.find(thread, item_id)
            thread_row, row = await asyncio.gather(self._all.table.get(thread.row), found)
        except InvalidId:
            raise ItemNotFound(thread_id, item_id) from None
        for item in await self._of(context).items.load(thread, [row] if thread_row and row else []):
            return item
        raise ItemNotFound(thread_id, item_id)

    @override
    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: ContextT) -> None:
        """Store a new item; an id that the thread already has keeps its first item.

        The SDK adds some items twice. Only a workflow is then the newer one: it is added once open and again when it
        went on in a later turn. Raises ThreadNotFound, and InvalidId for an id that cannot be part of a key.
        """
        thread = _thread(context, thread_id)
        await (
            self._of(context).items.save(thread, item)
            if item.type == "workflow"
            else self._of(context).items.add(thread, item)
        )

    @override
    async def save_item(self, thread_id: str, item: ThreadItem, context: ContextT) -> None:
        """Store an item or replace the one of its id, which keeps its time and so its place.

        Raises ThreadNotFound, InvalidId for an id that cannot be part of a key, and AlreadyAnswered where a structured
        input or client tool call was answered already and this is another answer.
        """
        await self._of(context).items.save(_thread(context, thread_id), item)

    async def change_item(
        self, thread_id: str, item_id: str, change: Callable[[ThreadItem], ThreadItem], context: ContextT
    ) -> ThreadItem:
        """Replace an item by what `change` makes of it, and nobody else's change. It is called again after a collision.

        Raises ItemNotFound, also where it is the thread that is unknown, and as `save_item` does.
        """
        try:
            changed = await self._of(context).items.change(_thread(context, thread_id), item_id, change)
        except (InvalidId, ThreadNotFound):
            changed = None
        if changed is None:
            raise ItemNotFound(thread_id, item_id)
        return changed

    @override
    async def delete_thread_item(self, thread_id: str, item_id: str, context: ContextT) -> None:
        """An unknown item or thread is no error. Raises Held."""
        owner = _owner(context)
        try:
            await self._of(context).items.delete(owner.thread(thread_id), item_id)
        except InvalidId:
            return

    async def save_feedback(self, thread_id: str, item_id: str, kind: FeedbackKind, context: ContextT) -> None:
        """Store what the caller thinks of an item; the last word counts. Raises ThreadNotFound, ItemNotFound."""
        try:
            await self._of(context).feedback.save(_thread(context, thread_id), item_id, kind)
        except InvalidId:
            raise ItemNotFound(thread_id, item_id) from None

    async def load_feedback(self, thread_id: str, context: ContextT) -> Mapping[str, Feedback]:
        """What the caller thinks of the thread's items, by their ids. Raises ThreadNotFound."""
        await self.load_thread(thread_id, context)
        return await self._of(context).feedback.load(_thread(context, thread_id))

    @override
    async def save_attachment(self, attachment: Attachment, context: ContextT) -> None:
        """Create an attachment or replace its metadata; without a thread it stays for a day.

        Raises ThreadNotFound, and InvalidId for an id that cannot be part of a key.
        """
        await self._of(context).attachments.save(_owner(context), attachment)

    @override
    async def load_attachment(self, attachment_id: str, context: ContextT) -> Attachment:
        """Raises AttachmentNotFound, also where its thread is gone."""
        owner = _owner(context)
        try:
            attachment = await self._of(context).attachments.load(owner, attachment_id)
        except InvalidId:
            attachment = None
        if attachment is None:
            raise AttachmentNotFound(attachment_id)
        return attachment

    @override
    async def delete_attachment(self, attachment_id: str, context: ContextT) -> None:
        """An unknown attachment is no error. Raises Held."""
        owner = _owner(context)
        try:
            await self._of(context).attachments.delete(owner, attachment_id)
        except InvalidId:
            return

    def _of(self, context: ContextT) -> Kinds:
        """The rows as this request may write them: within its run's lease, if it has one."""
        lease: Taking | None = getattr(context, "lease", None)
        return self._all if lease is None else self._all.under(lease)

    async def _start_of_threads(self, owner: Owner, after: str | None) -> Row | None:
        """The row that a page of threads follows. Raises UnknownCursor."""
        if after is None:
            return None
        try:
            row = await self._all.table.get(owner.thread(after).row)
        except InvalidId:
            row = None
        if row is None:
            raise UnknownCursor(after)
        return row

    async def _rows_after(self, thread: ThreadKeys, request: PageRequest) -> list[Row] | None:
        """The rows for a page of items; None if `request.after` is unknown."""
        if request.after is None:
            return await self._all.items.after(thread, request, None)
        try:
            start = await self._all.items.find(thread, request.after)
        except InvalidId:
            return None
        return None if start is None else await self._all.items.after(thread, request, start)


def _owner(context: Caller) -> Owner:
    return Owner.of(context.tenant_id, context.user_id)


def _thread(context: Caller, thread_id: str) -> ThreadKeys:
    """The keys of one of the caller's threads. Raises ThreadNotFound."""
    owner = _owner(context)
    try:
        return owner.thread(thread_id)
    except InvalidId:
        raise ThreadNotFound(thread_id) from None
