"""Operations that write: what each does to a store, and at once to the facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from chat_testing import builders
from chat_testing.builders import after
from chat_testing.concurrency.history import Outcome, Step
from chat_testing.concurrency.state import Place, State
from chat_testing.concurrency.things import item
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

DONE: Outcome = ("ok",)


def failed(name: str) -> Outcome:
    """The operation ended in an error of that class."""
    return ("error", name)


class Atomic:
    """An operation that happens all at once."""

    def step(self, state: State, memory: Any) -> Iterable[Step]:
        """Its one step."""
        after_it, outcome = self.apply(state)
        yield after_it, None, outcome

    def apply(self, state: State) -> tuple[State, Outcome]:
        """What is so afterwards, and what the caller is told."""
        raise NotImplementedError


@dataclass(frozen=True)
class SaveThread(Atomic):
    thread: str
    created: int
    title: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        made = builders.thread(self.thread, title=self.title, created_at=after(self.created))
        await store.save_thread(made, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if state.get("deleted", self.thread):
            return state, failed("ThreadNotFound")
        created, _ = state.get("thread", self.thread) or (self.created, "")
        return state.put((created, self.title), "thread", self.thread), DONE


@dataclass(frozen=True)
class Rename(Atomic):
    """The title that comes back may be a later one already, so it is left out."""

    thread: str
    title: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.rename_thread(self.thread, self.title, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if not state.get("thread", self.thread):
            return state, failed("ThreadNotFound")
        return state.put(self.title, "title", self.thread), DONE


@dataclass(frozen=True)
class DeleteThread(Atomic):
    thread: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.delete_thread(self.thread, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if state.get("thread", self.thread):
            gone = state.drop(("thread", self.thread), ("title", self.thread))
            state = gone.put("yes", "deleted", self.thread)
        return state, DONE


@dataclass(frozen=True)
class Add(Atomic):
    """Workflows are replaced, of everything else the first one stays."""

    thread: str
    name: str
    place: Place

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.add_thread_item(self.thread, item(self.thread, self.name, self.place), user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if self.name.startswith("w"):
            return Save(self.thread, self.name, self.place).apply(state)
        if not state.get("thread", self.thread):
            return state, failed("ThreadNotFound")
        if state.get("item", self.thread, self.name):
            return state, DONE
        return state.put(self.place, "item", self.thread, self.name), DONE


@dataclass(frozen=True)
class Save(Atomic):
    """Also an answer to a question: the first one stays."""

    thread: str
    name: str
    place: Place

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.save_item(self.thread, item(self.thread, self.name, self.place), user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if not state.get("thread", self.thread):
            return state, failed("ThreadNotFound")
        kept: Place | None = state.get("item", self.thread, self.name)
        now = Place(kept.created if kept else self.place.created, self.place.content, self.place.settled)
        if kept and kept.settled:
            return state, DONE if kept == now else failed("AlreadyAnswered")
        return state.put(now, "item", self.thread, self.name), DONE


@dataclass(frozen=True)
class DeleteItem(Atomic):
    thread: str
    name: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.delete_thread_item(self.thread, self.name, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        return state.drop(("item", self.thread, self.name), ("feedback", self.thread, self.name)), DONE


@dataclass(frozen=True)
class SaveFeedback(Atomic):
    thread: str
    name: str
    kind: Literal["positive", "negative"]

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.save_feedback(self.thread, self.name, self.kind, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        if not state.get("thread", self.thread):
            return state, failed("ThreadNotFound")
        if not state.get("item", self.thread, self.name):
            return state, failed("ItemNotFound")
        return state.put(self.kind, "feedback", self.thread, self.name), DONE


@dataclass(frozen=True)
class SaveAttachment(Atomic):
    """Once it goes with a thread, a copy that knows of none does not take it away."""

    name: str
    thread: str | None
    label: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.save_attachment(builders.file_attachment(self.name, thread_id=self.thread, name=self.label), user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        known = state.get("attachment", self.name)
        thread = self.thread or (known[0] if known else None)
        if thread and not state.get("thread", thread):
            return state, failed("ThreadNotFound")
        return state.put((thread, self.label), "attachment", self.name), DONE


@dataclass(frozen=True)
class DeleteAttachment(Atomic):
    name: str

    async def run(self, store: DynamoDBStore, user: RequestContext) -> Outcome:
        await store.delete_attachment(self.name, user)
        return DONE

    def apply(self, state: State) -> tuple[State, Outcome]:
        return state.drop(("attachment", self.name)), DONE
