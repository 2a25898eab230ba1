"""Tables with many rows, made as the store makes them and written many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import batched
from typing import Any

from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadItem
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

from chat_testing.builders import thread, user_message
from chatkit_aws.ids import UlidIds
from chatkit_aws.store import codec, compression, keys
from chatkit_aws.store.bodies import PLAIN
from chatkit_aws.store.bulk import BATCH
from chatkit_aws.store.keys import Owner, ThreadKeys
from chatkit_aws.store.retention import Retention
from chatkit_aws.store.rows import Row, key_attributes, values_of

RETENTION = Retention(365)
"""The template's own."""

_REQUESTS = 4


@dataclass(frozen=True, slots=True)
class Filler:
    """Writes rows below one owner's partition; the newest of them is from `until`."""

    table: str
    client: DynamoDBClient
    owner: Owner
    until: datetime

    def items(self, thread_keys: ThreadKeys, items: Iterable[ThreadItem]) -> None:
        """The rows of a thread's items: each its own and its place."""
        self._write(row for item in items for row in self._rows(thread_keys, item))

    def conversation(self, thread_keys: ThreadKeys, texts: Iterable[str]) -> list[str]:
        """Questions and answers in turn, a second apart, the last one just before `until`; gives the items' ids."""
        items = list(conversation(thread_keys.thread_id, list(texts), self.until))
        self.items(thread_keys, items)
        return [item.id for item in items]

    def threads(self, count: int) -> list[str]:
        """Threads with a title, a second apart; gives their ids, oldest first."""
        new_id = UlidIds(self.until.timestamp)
        made = [(new_id("thread"), self.until - timedelta(seconds=count - number)) for number in range(count)]
        self._write(self._thread_row(thread_id, created_at) for thread_id, created_at in made)
        return [thread_id for thread_id, _ in made]

    def _rows(self, thread_keys: ThreadKeys, item: ThreadItem) -> Iterator[Row]:
        key, expires_at = thread_keys.item(item.created_at, item.id), RETENTION.of_item(self.until.timestamp())
        yield Row(key, body=_body(codec.dump_item(item, thread_keys.thread_id)), expires_at=expires_at)
        yield Row(thread_keys.place(item.id), item_sk=key.sk, expires_at=expires_at)

    def _thread_row(self, thread_id: str, created_at: datetime) -> Row:
        body = _body(codec.dump_thread(thread(thread_id, title="Plans for the spring", created_at=created_at)))
        expires_at = RETENTION.of_thread(self.until.timestamp(), 0)
        place = keys.by_time(keys.THREAD, created_at, thread_id)
        return Row(self.owner.thread(thread_id).row, by_time=place, body=body, expires_at=expires_at)

    def _write(self, rows: Iterable[Row]) -> None:
        with ThreadPoolExecutor(_REQUESTS) as pool:
            list(pool.map(self._put, batched(rows, BATCH, strict=False)))

    def _put(self, rows: Iterable[Row]) -> None:
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": {**key_attributes(row.key), **values_of(row)}}} for row in rows
        ]
        while puts:
            left: Any = self.client.batch_write_item(RequestItems={self.table: puts}).get("UnprocessedItems", {})
            puts = left.get(self.table, [])


def conversation(thread_id: str, texts: list[str], until: datetime) -> Iterator[ThreadItem]:
    """The items of a thread: questions and answers in turn."""
    new_id = UlidIds(until.timestamp)
    for number, text in enumerate(texts):
        at: dict[str, Any] = {
            "id": new_id("message"),
            "thread_id": thread_id,
            "created_at": until - timedelta(seconds=len(texts) - number),
        }
        content = [AssistantMessageContent(text=text)]
        yield AssistantMessageItem(**at, content=content) if number % 2 else user_message(text, **at)


@cache
def _body(text: bytes) -> bytes:
    return bytes([PLAIN]) + compression.pack(text)
