"""What the requests of a DynamoDB client cost, and when each was under way.

It asks through botocore's events, so that what is measured stays as it is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from chat_testing.capacity import Attributes, Indexes, parts_of

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem"})

type _Rows = list[Attributes | None]


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request, and when it began and ended on `time.perf_counter`.

    `reported` is the capacity that the service told, `ruled` what its documentation says: the same, but for writes
    where the meter saw the rows, and for a read that finds nothing, which is not free. `kinds` is `ruled` by the kinds
    of rows, the beginnings of their sort keys.
    """

    operation: str
    sent: Mapping[str, Any]
    reported: float
    ruled: float
    kinds: Mapping[str, float]
    began: float
    ended: float

    @property
    def is_write(self) -> bool:
        """Whether it takes write units; all others take read units."""
        return self.operation in _WRITES


@dataclass
class Meter:
    """The requests of one client, in the order of their answers; of those that failed, how many."""

    requests: list[Request] = field(default_factory=list)
    failed: int = 0

    @property
    def writes(self) -> list[Request]:
        """Those that take write units."""
        return [request for request in self.requests if request.is_write]

    @property
    def reads(self) -> list[Request]:
        """Those that take read units."""
        return [request for request in self.requests if not request.is_write]

    @property
    def write_units(self) -> float:
        """Write units by the documented rule."""
        return sum(request.ruled for request in self.writes)

    @property
    def read_units(self) -> float:
        """Read units by the documented rule."""
        return sum(request.ruled for request in self.reads)

    def write_units_by_kind(self) -> Counter[str]:
        """Write units by the documented rule, for each kind of rows."""
        return sum((Counter(request.kinds) for request in self.writes), Counter())

    def read_units_by_kind(self) -> Counter[str]:
        """The same of read units."""
        return sum((Counter(request.kinds) for request in self.reads), Counter())

    @property
    def batches(self) -> int:
        """Rows of events that were written."""
        return sum("EVT" in request.kinds for request in self.writes)

    @property
    def reported(self) -> tuple[float, float]:
        """Write and read units as the service reported them."""
        return sum(write.reported for write in self.writes), sum(read.reported for read in self.reads)

    def chain(self, until: float = float("inf")) -> int:
        """How many requests, at most, came one after the other: each begun when the one before it had ended.

        `until` leaves out those that ended later. Taking always the one that ends first gives the longest.
        """
        length, free = 0, float("-inf")
        for request in sorted(self.requests, key=lambda request: request.ended):
            if request.began >= free and request.ended <= until:
                length, free = length + 1, request.ended
        return length

    @property
    def waiting(self) -> float:
        """Seconds in which at least one request was under way."""
        seconds, free = 0.0, float("-inf")
        for request in sorted(self.requests, key=lambda request: request.began):
            seconds += max(0.0, request.ended - max(request.began, free))
            free = max(free, request.ended)
        return seconds


@dataclass(frozen=True, slots=True)
class _Begun:
    at: float
    sent: Mapping[str, Any]
    rows: _Rows


class _Observer:
    """Looks at the rows that a write is about, with a client that nobody measures."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._tables: dict[str, Indexes] = {}

    def rows(self, operation: str, params: Mapping[str, Any]) -> _Rows:
        return [self._row(table, attributes) for table, attributes, _ in parts_of(operation, params)]

    def units(self, operation: str, begun: _Begun) -> Counter[str]:
        after, units = self.rows(operation, begun.sent), Counter[str]()
        for (table, key, times), old, new in zip(parts_of(operation, begun.sent), begun.rows, after, strict=True):
            units[_kind(key)] += times * self._indexes(table).units(old, new)
        return units

    def _row(self, table: str, attributes: Attributes) -> Attributes | None:
        key = {name: attributes[name] for name in self._indexes(table).key}
        row: Attributes | None = self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return row

    def _indexes(self, table: str) -> Indexes:
        if table not in self._tables:
            self._tables[table] = Indexes.of(self._client.describe_table(TableName=table)["Table"])
        return self._tables[table]


@contextlib.contextmanager
def metered(client: BaseClient, observer: Any = None, delay: float = 0) -> Iterator[Meter]:
    """Record the requests of `client`, each of which waits `delay` seconds before it is sent.

    `observer` is another client: it looks at each row before and after a write, for the documented rule. That takes
    time, so times are measured without it.
    """
    meter, lock = Meter(), threading.Lock()
    look = None if observer is None else _Observer(observer)

    def begin(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name in _READS | _WRITES:
            params["ReturnConsumedCapacity"] = "INDEXES"
        rows = look.rows(model.name, params) if look else []
        context["begun"] = _Begun(time.perf_counter(), dict(params), rows)
        time.sleep(delay)

    def end(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        ended, begun = time.perf_counter(), context["begun"]
        if "Error" in parsed:
            with lock:
                meter.failed += 1
            return
        kinds = look.units(model.name, begun) if look and model.name in _WRITES else None
        request = _request(model.name, parsed, begun, ended, kinds)
        with lock:
            meter.requests.append(request)

    with _handling(client, {"before-parameter-build": begin, "after-call": end}):
        yield meter


def _request(name: str, parsed: Mapping[str, Any], begun: _Begun, ended: float, kinds: Counter[str] | None) -> Request:
    capacity = parsed.get("ConsumedCapacity", [])
    capacities = [capacity] if isinstance(capacity, Mapping) else capacity
    reported = sum(one["CapacityUnits"] for one in capacities)
    if kinds is not None:
        return Request(name, begun.sent, reported, float(kinds.total()), kinds, begun.at, ended)
    least = 1.0 if name in _WRITES or begun.sent.get("ConsistentRead") else 0.5
    ruled = max(least, reported)
    return Request(name, begun.sent, reported, ruled, {_kind_of_read(begun.sent): ruled}, begun.at, ended)


def _kind(row: Attributes) -> str:
    """The kind of a row: how its sort key begins."""
    return str(next(iter(row["sk"].values()))).partition("#")[0]


def _kind_of_read(sent: Mapping[str, Any]) -> str:
    """The kind of rows that a read is about; empty where it is about several."""
    if "Key" in sent:
        return _kind(sent["Key"])
    first = sent.get("ExpressionAttributeValues", {}).get(":first", {"S": ""})
    return str(first["S"]).partition("#")[0]


@contextlib.contextmanager
def _handling(client: BaseClient, handlers: Mapping[str, Callable[..., None]]) -> Iterator[None]:
    events = {f"{event}.dynamodb": handler for event, handler in handlers.items()}
    for event, handler in events.items():
        client.meta.events.register(event, handler)
    try:
        yield
    finally:
        for event, handler in events.items():
            client.meta.events.unregister(event, handler)
