"""Rows of the table that must go together: what is wrong with a table, whatever happened to those who wrote it."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

from chatkit_aws.runs import log, names, stops
from chatkit_aws.store import codec, keys, retention
from chatkit_aws.store.bodies import Bodies
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.keys import Key
from chatkit_aws.store.retention import DAY
from chatkit_aws.store.rows import Row, row_of
from chatkit_aws.usage import meter, slots, windows

_LONGEST = {
    keys.RUN: names.KEPT_SECONDS,
    keys.EVENT: log.LONGEST_SECONDS + 15 * 60,
    keys.DELETED: retention.DELETED,
    keys.REPEAT: names.KEPT_SECONDS,
    keys.NAME: names.KEPT_SECONDS,
    keys.STOP: stops.KEPT_SECONDS,
    windows.SLOTS: 2 * DAY,
    windows.MINUTE: 2 * 60 * 60,
    windows.DAY: (meter.KEEP_DAYS + 1) * DAY,
    windows.MONTH: (meter.KEEP_DAYS + 31) * DAY,
    windows.TURN: meter.KEEP_DAYS * DAY,
}
"""Rows that go by themselves, and the most seconds that each kind may have left."""


class Rows:
    """The rows of a table at one moment, when those who write them do not."""

    def __init__(self, table: str, client: DynamoDBClient, users: str = "") -> None:
        """Read those of all users, or of those whose names begin so."""
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        found = [row for page in pages for row in page["Items"]]
        self.raw = [row for row in found if not users or f"#USR#{users}" in row["pk"]["S"]]
        self.by_key: dict[Key, Row] = {row.key: row for row in map(row_of, self.raw)}
        self.now = time.time()

    def counts(self) -> Counter[str]:
        """How many there are of each kind."""
        return Counter(_kind(key) for key in self.by_key)

    async def faults(self) -> list[str]:
        """Every row that is not as it must be, or lacks another one."""
        found = [f"{row.key}: {fault}" for row in self.by_key.values() for fault in self._faults_of(row)]
        found += [f"{row.key}: {fault}" for row in self.by_key.values() for fault in await self._faults_of_body(row)]
        return [*found, *self._faults_of_logs(), *(fault for row in self.raw for fault in _faults_of_slots(row))]

    def _faults_of(self, row: Row) -> Iterator[str]:
        """A thread has its place in the index, an item its place and its thread, all else an end."""
        match _kind(row.key):
            case keys.THREAD:
                if row.by_time is None or keys.id_of(row.by_time) != keys.id_of(row.key.sk) or row.body is None:
                    yield "the thread has no place or no body"
            case keys.ITEM:
                yield from self._faults_of_item(row)
            case keys.PLACE:
                if Key(row.key.pk, row.item_sk or "") not in self.by_key:
                    yield "the place leads to no item"
            case keys.FEEDBACK:
                if Key(row.key.pk, keys.PLACE + keys.id_of(row.key.sk)) not in self.by_key:
                    yield "the feedback has no item"
            case kind:
                yield from self._faults_of_passing(row, kind)

    def _faults_of_passing(self, row: Row, kind: str) -> Iterator[str]:
        if row.expires_at is None or row.expires_at > self.now + _LONGEST.get(kind, 0):
            yield "the row does not go by itself"
        if kind == keys.RUN and None in (row.run_id, row.digest, row.generation, row.lease_until):
            yield "the run lacks a part"
        if kind == keys.NAME and None in (row.thread, row.digest, row.generation, row.ended):
            yield "the name lacks a part"

    def _faults_of_item(self, row: Row) -> Iterator[str]:
        place = self.by_key.get(Key(row.key.pk, keys.PLACE + row.key.sk.rpartition("#")[2]))
        if place is None or place.item_sk != row.key.sk:
            yield "the item's id does not lead to it"
        thread = _thread_of(row.key)
        deleted = Key(thread.pk, thread.sk.replace(keys.THREAD, keys.DELETED, 1))
        if thread not in self.by_key and deleted not in self.by_key:
            yield "the item has no thread, and none whose items cleanup removes"

    async def _faults_of_body(self, row: Row) -> list[str]:
        """What it holds can be read as what it is."""
        if row.body is None:
            return []
        kind, thread = _kind(row.key), keys.unescape(_thread_of(row.key).sk.removeprefix(keys.THREAD))
        try:
            text = await Bodies().open(row.body, Scope("default", None), row.key)
            if kind == keys.ITEM:
                codec.load_item(text, keys.id_of(row.key.sk), thread, keys.created_at_of(row.key.sk))
            elif kind == keys.THREAD:
                codec.load_thread(text, thread, keys.created_at_of(row.by_time or ""), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the row cannot be read
            return [f"the body cannot be read: {type(error).__name__}"]
        return []

    def _faults_of_logs(self) -> Iterator[str]:
        """The batches of a run are numbered from 0 without a gap."""
        numbers: dict[str, list[int]] = defaultdict(list)
        for key in self.by_key:
            if _kind(key) == keys.EVENT:
                run, _, number = key.sk.rpartition("#")
                numbers[key.pk + run].append(int(number))
        for run, found in numbers.items():
            if sorted(found) != list(range(len(found))):
                yield f"{run}: the log has gaps: {sorted(found)}"


def _faults_of_slots(row: Mapping[str, AttributeValueTypeDef]) -> Iterator[str]:
    """A user's places are as many as the turns that have one."""
    if row["sk"]["S"] == windows.SLOTS:
        turns = sum(name.startswith(slots.RUN) for name in row)
        if turns != int(row.get("running", {"N": "0"})["N"]):
            yield f"{row['pk']['S']}: {turns} turns have a place and {row.get('running')} are counted"


def _kind(key: Key) -> str:
    return key.sk.partition("#")[0] + "#"


def _thread_of(key: Key) -> Key:
    """The thread's row, for one that is the thread or below it."""
    if key.sk.startswith(keys.THREAD):
        return key
    owner, _, thread = key.pk.removesuffix("#").rpartition("#THR#")
    return Key(f"{owner}#", f"{keys.THREAD}{thread}")
