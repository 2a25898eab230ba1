"""Operations that read, in the steps that the contract allows: a page is not one moment, but none of it is invented.

A read asks for the thread, for the row that a page begins behind, and for the rows, and others may write between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chat_testing.builders import after
from chat_testing.concurrency.history import Outcome, Step
from chat_testing.concurrency.state import State
from chat_testing.concurrency.things import place_of
from chat_testing.concurrency.writing import Atomic, failed
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

type Order = Literal["asc", "desc"]
type Position = tuple[int, str]

_UNASKED = "unasked"


@dataclass(frozen=True)
class LoadThread(Atomic):
    thread: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        found = await store.load_thread(self.thread, user)
        return ("ok", _second(found.created_at), found.title)

    def apply(self, state: State) -> tuple[State, Outcome]:
        found = state.get("thread", self.thread)
        if not found:
            return state, failed("ThreadNotFound")
        return state, ("ok", found[0], state.title(self.thread))


@dataclass(frozen=True)
class LoadItem:
    """Steps: is the thread there; where is the item; what is in that place. The first may come at any time."""

    thread: str
    name: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        return ("ok", place_of(await store.load_item(self.thread, self.name, user)))

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        alive, created, found = memory or (_UNASKED, _UNASKED, _UNASKED)
        item = state.get("item", self.thread, self.name)
        if alive == _UNASKED:
            yield _step(state, (bool(state.get("thread", self.thread)), created, found), self._outcome)
        if created == _UNASKED:
            yield _step(state, (alive, item.created if item else None, found if item else None), self._outcome)
        elif found == _UNASKED:
            yield _step(state, (alive, created, item if item and item.created == created else None), self._outcome)

    def _outcome(self, alive: object, created: object, found: object) -> Outcome:
        return ("ok", found) if alive and found else failed("ItemNotFound")


@dataclass(frozen=True)
class LoadItems:
    """Steps: is the thread there; where is the item that the page follows; the rows behind it."""

    thread: str
    cursor: str | None
    limit: int
    order: Order

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        page = await store.load_thread_items(self.thread, self.cursor, self.limit, self.order, user)
        return ("ok", tuple((one.id, place_of(one)) for one in page.data), page.has_more, page.after)

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        known: tuple[Any, Any, Any] = memory or (_UNASKED, _UNASKED if self.cursor else None, _UNASKED)
        alive, start, rows = known
        if alive == _UNASKED:
            yield _step(state, (bool(state.get("thread", self.thread)), start, rows), self._outcome)
        if start == _UNASKED:
            item = state.get("item", self.thread, self.cursor or "")
            start, rows = ((item.created, self.cursor), _UNASKED) if item else (None, None)
            yield _step(state, (alive, start, rows), self._outcome)
        elif rows == _UNASKED:
            found = _page(state.items(self.thread), start, self.limit, self.order)
            yield _step(state, (alive, start, found), self._outcome)

    def _outcome(self, alive: object, start: object, rows: Any) -> Outcome:
        if not alive:
            return ("ok", (), False, None)
        return failed("UnknownCursor") if rows is None else ("ok", *rows)


@dataclass(frozen=True)
class LoadThreads:
    """Steps: where is the thread that the page follows; the rows behind it."""

    cursor: str | None
    limit: int
    order: Order

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        page = await store.load_threads(self.limit, self.cursor, self.order, user)
        return ("ok", tuple((one.id, one.title) for one in page.data), page.has_more, page.after)

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        if self.cursor and memory is None:
            found = state.get("thread", self.cursor)
            yield (state, (found[0], self.cursor), None) if found else (state, None, failed("UnknownCursor"))
        else:
            yield state, None, ("ok", *_page(state.threads(), memory, self.limit, self.order))


@dataclass(frozen=True)
class LoadAttachment:
    """Steps: the row; is its thread there."""

    name: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        found = await store.load_attachment(self.name, user)
        return ("ok", found.thread_id, found.name)

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        thread, label = memory or state.get("attachment", self.name) or (None, None)
        if label is None:
            yield state, None, failed("AttachmentNotFound")
        elif memory is None and thread is not None:
            yield state, (thread, label), None
        elif thread is None or state.get("thread", thread):
            yield state, None, ("ok", thread, label)
        else:
            yield state, None, failed("AttachmentNotFound")


def _step(state: State, memory: tuple[Any, ...], outcome: Any) -> Step:
    return (state, memory, None) if _UNASKED in memory else (state, None, outcome(*memory))


def _page(rows: list[tuple[int, str, Any]], start: Position | None, limit: int, order: Order) -> tuple[Any, ...]:
    """The page of the sorted rows: names with what they hold, whether more follow, and the last name if so."""
    forward = order == "asc"
    behind = [row for row in rows if start is None or (row[:2] > start if forward else row[:2] < start)]
    found = behind if forward else behind[::-1]
    kept = tuple((name, value) for _, name, value in found[:limit])
    more = len(found) > limit
    return kept, more, kept[-1][0] if more else None


def _second(moment: datetime) -> int:
    return round((moment - after(0)).total_seconds())
