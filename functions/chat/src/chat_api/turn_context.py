"""The context of one request, with what its turn will need already asked for."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit_aws.context import RequestContext

if TYPE_CHECKING:
    from chatkit.store import Store
    from chatkit.types import Page, ThreadItem


@dataclass(frozen=True, slots=True)
class TurnContext(RequestContext):
    """A request that adds a message: the items before it are read while the SDK loads the thread and stores it.

    Else the model would wait for three answers of the table in a row instead of two.
    """

    earlier: asyncio.Task[Page[ThreadItem]] | None = None


def with_earlier_items(
    store: Store[RequestContext], thread_id: str, count: int, context: RequestContext
) -> TurnContext:
    """The same context, and the newest `count` items of the thread on their way."""
    task = asyncio.create_task(store.load_thread_items(thread_id, None, count, "desc", context))
    task.add_done_callback(_look)
    known = {field.name: getattr(context, field.name) for field in dataclasses.fields(RequestContext)}
    return TurnContext(**known, earlier=task)


def _look(task: asyncio.Task[Page[ThreadItem]]) -> None:
    """Nobody asks a task of a request that failed before; asyncio would complain about its error."""
    if not task.cancelled():
        task.exception()
