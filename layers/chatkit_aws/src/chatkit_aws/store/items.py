"""The items of threads: each a row in the order of time, and one that says where the item of its id is."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit.types import ClientToolCallItem, GeneratedImageItem, StructuredInputItem

from chatkit_aws.errors import AlreadyAnswered, Damaged, Held, UnknownFormat
from chatkit_aws.store import codec, keys
from chatkit_aws.store.bodies import SEALED
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.guard import MAX_CHANGES
from chatkit_aws.store.image_data import stored_type
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retries import Contended
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed, Span
from chatkit_aws.store.writes import ABSENT, FREE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chatkit.types import ThreadItem
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.guard import Guard, Parts
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.overflow import Overflow
    from chatkit_aws.store.paging import PageRequest
    from chatkit_aws.store.table import Table

    type Change = Callable[[ThreadItem], ThreadItem]

_log = logging.getLogger(__name__)

_LARGE = 100_000
"""Bytes of JSON of which a hundred items are no burden yet."""
_HERE = "item_sk = :item_sk"
_NOT_ELSEWHERE = f"{ABSENT} OR {_HERE}"
_OPEN = "attribute_not_exists(settled)"


@dataclass(frozen=True, slots=True)
class Items:
    """Reads and writes items. Whether the thread is there, the caller asks when reading; writing sees to it itself."""

    table: Table
    bodies: Bodies
    overflow: Overflow
    guard: Guard

    async def add(self, thread: ThreadKeys, item: ThreadItem) -> None:
        """Write a new item; the first of an id stays. Raises ThreadNotFound."""
        try:
            await self._put(thread, item, thread.item(item.created_at, item.id), ABSENT)
        except ConditionFailed as failed:
            await self._warn_of_another(thread, item, failed)

    async def save(self, thread: ThreadKeys, item: ThreadItem) -> None:
        """Write an item; one of its id is replaced in its place. Raises ThreadNotFound, AlreadyAnswered."""
        key = own = thread.item(item.created_at, item.id)
        while True:
            try:
                return await self._put(thread, item, key, _NOT_ELSEWHERE if key == own else _HERE)
            except ConditionFailed as failed:
                _, place, settled = failed.rows[:3]
            if settled:
                return await self._keep_answer(thread, item, settled)
            # Another place than was known: of the item that is there, or its own again if that was just removed.
            key = Key(thread.partition, place.item_sk) if place and place.item_sk else own

    async def change(self, thread: ThreadKeys, item_id: str, change: Change) -> ThreadItem | None:
        """Replace an item by what `change` makes of it; None where there is none. Nobody else's change is lost.

        `change` is called again where others changed the item meanwhile. Raises ThreadNotFound, AlreadyAnswered,
        Contended.
        """
        for _ in range(MAX_CHANGES):
            row = await self.find(thread, item_id)
            item = await self._item_of(thread, row) if row else None
            if row is None or item is None:
                return None
            changed = change(item)
            try:
                await self._put(thread, changed, row.key, _HERE, met=row)
            except ConditionFailed as failed:
                if (settled := failed.rows[2]) and settled.settled:
                    await self._keep_answer(thread, changed, settled)
                    return changed
            else:
                return changed
        message = "others changed the item each time"
        raise Contended(message)

    async def delete(self, thread: ThreadKeys, item_id: str) -> None:
        """Remove an item, its image and what the user thinks of it, if it is there. Raises Held."""
        while (place := await self.table.get(thread.place(item_id))) and place.item_sk:
            try:
                await self._remove(thread, place, place.item_sk)
            except ConditionFailed as failed:
                if failed.rows[0] is not False:
                    raise Held from None
            else:
                return

    async def find(self, thread: ThreadKeys, item_id: str) -> Row | None:
        """The row of the item with this id."""
        place = await self.table.get(thread.place(item_id))
        if place is None or place.item_sk is None:
            return None
        return await self.table.get(Key(thread.partition, place.item_sk))

    async def after(self, thread: ThreadKeys, request: PageRequest, start: Row | None) -> list[Row]:
        """The rows for a page, one more than it has where more follow."""
        span = Span(thread.partition, keys.ITEM)
        return await self.table.query(span, request.look_ahead, forward=request.forward, start=start)

    async def load(self, thread: ThreadKeys, rows: Sequence[Row]) -> list[ThreadItem]:
        """The items in rows; one that was removed since is left out."""
        items = await asyncio.gather(*(self._item_of(thread, row) for row in rows))
        return [item for item in items if item is not None]

    async def readable(self, thread: ThreadKeys, rows: Sequence[Row]) -> list[ThreadItem]:
        """The same without those that nobody can read: damaged, or written by a later version. The log says so.

        A key that cannot be used now, and a cipher that this store was not given, are other matters: they raise.
        """
        items = await asyncio.gather(*(self._readable(thread, row) for row in rows))
        return [item for item in items if item is not None]

    async def _readable(self, thread: ThreadKeys, row: Row) -> ThreadItem | None:
        try:
            return await self._item_of(thread, row)
        except (Damaged, UnknownFormat, ValueError) as error:
            if isinstance(error, UnknownFormat) and error.version == SEALED and self.bodies.cipher is None:
                raise
            # What the error says may be of the user's.
            _log.error("an item is left out, it cannot be read: %s at %s", type(error).__name__, row.key.sk)
            return None

    async def _item_of(self, thread: ThreadKeys, row: Row) -> ThreadItem | None:
        body = await self.overflow.body_of(row)
        if body is None:
            return None
        text = await self.bodies.open(body, _scope(thread), row.key)
        return codec.load_item(text, keys.id_of(row.key.sk), thread.thread_id, keys.created_at_of(row.key.sk))

    async def _put(
        self, thread: ThreadKeys, item: ThreadItem, key: Key, condition: str, *, met: Row | None = None
    ) -> None:
        """Write the item at `key` if its place meets the condition, and its row is as it was `met`.

        Raises ConditionFailed with what the thread, the place and the item met.
        """
        text = codec.dump_item(item, thread.thread_id)
        body = await self.bodies.close(text, _scope(thread), key)
        size = len(text) if len(text) > _LARGE else None
        row = Row(key, body=body, size=size, settled=True if _is_settled(item) else None)
        place = Row(thread.place(item.id), item_sk=key.sk, attachment=_image_of(item))
        async with self.overflow.keeping(thread, row) as (kept, others):
            await self.guard.write(thread, lambda expires: self._parts(place, kept, expires, condition, met), others)

    def _parts(self, place: Row, item: Row, expires_at: int | None, condition: str, met: Row | None) -> Parts:
        writes = self.table.writes
        place = dataclasses.replace(place, expires_at=expires_at)
        item = dataclasses.replace(item, expires_at=expires_at)
        if condition == ABSENT:
            return writes.put(place, ABSENT), writes.put(item)
        return (
            writes.put(place, condition, {":item_sk": {"S": item.key.sk}}),
            writes.put(item, *_as(met) if met else (_OPEN,)),
        )

    async def _remove(self, thread: ThreadKeys, place: Row, item_sk: str) -> None:
        """Remove an item from there. Raises ConditionFailed where it is under hold, or by now in another place."""
        writes = self.table.writes
        await self.table.transact(
            writes.check(thread.row, FREE),
            writes.delete(place.key, _NOT_ELSEWHERE, {":item_sk": {"S": item_sk}}),
            writes.delete(Key(thread.partition, item_sk)),
            writes.delete(thread.feedback(keys.id_of(place.key.sk))),
            *await self._without_image(thread, place),
        )

    async def _without_image(self, thread: ThreadKeys, place: Row) -> Parts:
        """What removes the image that an item shows, unless it went on to another thread; cleanup removes its file."""
        if place.attachment is None:
            return ()
        name = keys.unescape(place.attachment)
        row, writes = await self.table.get(thread.owner.attachment(name)), self.table.writes
        if row is None or row.thread != thread.escaped:
            return ()
        there = writes.delete(row.key, "thread = :thread", {":thread": {"S": thread.escaped}})
        return there, writes.delete(thread.attached(name))

    async def _keep_answer(self, thread: ThreadKeys, item: ThreadItem, settled: Row) -> None:
        """The same answer again is no error. Raises AlreadyAnswered for another one."""
        for kept in await self.load(thread, [settled]):
            if codec.dump_item(kept, thread.thread_id) == codec.dump_item(item, thread.thread_id):
                return
        raise AlreadyAnswered

    async def _warn_of_another(self, thread: ThreadKeys, item: ThreadItem, failed: ConditionFailed) -> None:
        """Say that two different things came under one id: the second is lost, and whoever made the id is at fault."""
        place = failed.rows[1]
        row = await self.table.get(Key(thread.partition, place.item_sk)) if place and place.item_sk else None
        for kept in await self.load(thread, [row] if row else []):
            if kept.type != item.type:
                _log.warning("kept the first item of an id: type=%s dropped=%s", kept.type, item.type)


def _image_of(item: ThreadItem) -> str | None:
    """The escaped id of the stored image that the item shows. Raises InvalidId."""
    image = item.image if isinstance(item, GeneratedImageItem) else None
    return keys.escape(image.id) if image and stored_type(image.url) else None


def _is_settled(item: ThreadItem) -> bool:
    """Whether the item was a question to the user or the page, and has its answer."""
    if isinstance(item, StructuredInputItem):
        return item.status != "pending"
    return isinstance(item, ClientToolCallItem) and item.status == "completed"


def _as(met: Row) -> tuple[str, dict[str, AttributeValueTypeDef]]:
    """The condition that an open item is as it was met, with its values."""
    if met.object is not None:
        return f"{_OPEN} AND #object = :met", {":met": {"S": met.object}}
    return f"{_OPEN} AND #body = :met", {":met": {"B": met.body or b""}}


def _scope(thread: ThreadKeys) -> Scope:
    return Scope(thread.owner.tenant_id, thread.thread_id)
