"""What is in the table, row by row, as facts; and what must hold among rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.builders import after
from chat_testing.concurrency.state import State
from chat_testing.concurrency.things import place_of
from chatkit_aws.store import codec, keys
from chatkit_aws.store.bodies import Bodies, Cipher
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.keys import Key, Owner
from chatkit_aws.store.objects import Objects
from chatkit_aws.store.rows import Row, row_of


@dataclass(frozen=True)
class Rows:
    """All rows of one user, and what reads them."""

    owner: Owner
    rows: Sequence[Row]
    objects: Objects | None = None
    bodies: Bodies = field(default_factory=Bodies)

    @classmethod
    def of(
        cls,
        client: DynamoDBClient,
        table: str,
        owner: Owner,
        objects: Objects | None = None,
        cipher: Cipher | None = None,
    ) -> "Rows":
        """Read the whole table, also what no query of the store would find."""
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        rows = [row_of(row) for page in pages for row in page["Items"]]
        return cls(owner, [row for row in rows if row.key.pk.startswith(owner.partition)], objects, Bodies(cipher))

    async def state(self) -> State:
        """The facts that the rows tell."""
        state = State({})
        for row in self.rows:
            state = await self._add(state, row)
        return state

    def check(self, *, intents: bool = False) -> None:
        """Each item has its place and each place its item; `intents` to write objects may be left by unknown ends."""
        items = {row.key for row in self.rows if row.key.sk.startswith(keys.ITEM)}
        places = {row.key: row for row in self.rows if row.key.sk.startswith(keys.PLACE)}
        assert {Key(key.pk, str(place.item_sk)) for key, place in places.items()} == items, "items and places differ"
        assert {Key(key.pk, keys.PLACE + key.sk.rpartition("#")[2]) for key in items} == set(places), "an id is twice"
        assert intents or not [row for row in self.rows if row.key.sk.startswith(keys.INTENT)], "an intent is left"
        marks = {row.key for row in self.rows if row.key.sk.startswith(keys.ATTACHED)}
        attached = [row for row in self.rows if row.thread is not None]
        wanted = {self.owner.thread(row.thread or "").attached(keys.id_of(row.key.sk)) for row in attached}
        assert wanted <= marks, "an attachment would stay when its thread goes"

    async def _add(self, state: State, row: Row) -> State:
        kind, name = row.key.sk.partition("#")[0] + "#", keys.id_of(row.key.sk)
        thread = keys.id_of(row.key.pk.removesuffix("#"))
        match kind:
            case keys.THREAD:
                return await self._add_thread(state, row, name)
            case keys.DELETED:
                return state.put("yes", "deleted", name)
            case keys.ITEM:
                created = keys.created_at_of(row.key.sk)
                return state.put(
                    place_of(codec.load_item(await self._text(row, thread), name, thread, created)),
                    "item",
                    thread,
                    name,
                )
            case keys.FEEDBACK:
                return state.put(codec.load_feedback(await self._text(row, thread)).kind, "feedback", thread, name)
            case keys.ATTACHMENT:
                label = codec.load_attachment(await self._text(row, None), name).name
                return state.put((row.thread, label), "attachment", name)
        return state

    async def _add_thread(self, state: State, row: Row, name: str) -> State:
        created = keys.created_at_of(row.by_time or "")
        title = codec.load_thread(await self._text(row, name), name, created, None).title
        state = state.put((round((created - after(0)).total_seconds()), title), "thread", name)
        if row.title is None:
            return state
        own = await self.bodies.open(row.title, Scope(self.owner.tenant_id, name), row.key, "title")
        return state.put(own.decode(), "title", name)

    async def _text(self, row: Row, thread: str | None) -> bytes:
        body = row.body
        if row.object is not None:
            assert self.objects is not None
            body = await self.objects.get(row.object)
        assert body is not None, "an item's object is lost"
        return await self.bodies.open(body, Scope(self.owner.tenant_id, thread), row.key)
