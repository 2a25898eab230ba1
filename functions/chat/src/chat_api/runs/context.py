"""The context of a request that starts a turn, with what the turn will need already asked for."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from chat_api.runs.ending import Ending
from chatkit_aws.context import RequestContext

if TYPE_CHECKING:
    from chatkit.store import Store
    from chatkit.types import EntitySource, Page, ThreadItem

    from chat_api.runs.entry import Entry
    from chat_api.runs.spending import Spending
    from chatkit_aws.store.lease import Taking


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext(RequestContext):
    """A request within a run: the store writes nothing of it without the lease.

    `earlier` are the thread's newest items, read while the SDK loads the thread and stores the message: else the model
    would wait for three answers of the table in a row instead of two. `new_thread_id` is the id of a thread to be.
    `sources` are, by their ids, what the answer cites where it mentions it: the user's own, as tools and tags named it.
    `said` are the texts that the user and their page have said since the last answer, oldest first: what a check of
    the question judges.
    """

    lease: Taking
    spending: Spending
    new_thread_id: str | None = None
    earlier: asyncio.Task[Page[ThreadItem]] | None = None
    ending: Ending = field(default_factory=Ending)
    sources: dict[str, EntitySource] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: RequestContext, run: Entry, new_thread_id: str | None = None) -> Self:
        """The same request within a run."""
        known = {part.name: getattr(context, part.name) for part in dataclasses.fields(RequestContext)}
        return cls(**known, lease=run.lease, spending=run.spending, new_thread_id=new_thread_id)

    def with_earlier_items(self, store: Store[RequestContext], thread_id: str, count: int) -> Self:
        """The same, and the newest `count` items of the thread on their way."""
        task = asyncio.create_task(store.load_thread_items(thread_id, None, count, "desc", self))
        task.add_done_callback(_look)
        return dataclasses.replace(self, earlier=task)


def _look(task: asyncio.Task[Page[ThreadItem]]) -> None:
    """Nobody asks a task of a request that failed before; asyncio would complain about its error."""
    if not task.cancelled():
        task.exception()
