"""A user's tasks: what a task is, and all that can be done with them. Nothing else knows how they are kept."""

import unicodedata
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from chatkit_aws.context import RequestContext
from chatkit_aws.plain_text import one_line
from chatkit_aws.records import Record, Records
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.kinds import Kinds

MAX_TASKS = 500
"""How many a user may have, done ones included."""
MAX_TITLE = 200
"""Characters of a title; spaces around it, and what cannot be seen in it, do not count, and are not kept."""

_PAGE = 100
_LAST_ZONE = timedelta(hours=12)
"""How far the last places on Earth are behind UTC."""


class Task(BaseModel):
    """A task as it is kept. Give a new field a default: those that are kept do not have it."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    due: date | None = None
    done: bool = False

    def is_overdue(self, now: datetime) -> bool:
        """Whether its day is over and it is not done; `now` is in UTC, and the day is over when it is so everywhere."""
        return not self.done and self.due is not None and self.due < (now - _LAST_ZONE).date()


class ListedTask(Task):
    """A task with the id by which it is named."""

    id: str


class Tasks:
    """The tasks of who asks: those of others are not found, as if they had never been.

    Every method raises as the store does; those that name a task raise RecordNotFound.
    """

    def __init__(self, store: DynamoDBStore, context: RequestContext) -> None:
        """Keep them in `store`, for the user of `context`."""
        self._records = _records(store.kinds)
        self._context = context

    async def add(self, title: str, due: date | None = None) -> ListedTask:
        """A new task. Raises pydantic's ValidationError for the title, RecordsFull."""
        return _listed(await self._records.add(Task(title=one_line(title), due=due), self._context))

    async def all(self) -> list[ListedTask]:
        """Open ones first; among them the one that is due first, and what has no date as it was added."""
        found, after, has_more = list[ListedTask](), None, True
        while has_more:
            page = await self._records.page(after, _PAGE, "asc", self._context)
            found += map(_listed, page.data)
            after, has_more = page.after, page.has_more
        return sorted(found, key=lambda task: (task.done, task.due or date.max))

    async def find(self, words: str | None, *, open_only: bool = False) -> list[ListedTask]:
        """Those that have every word in their title, whatever its case and normal form; all where there is none."""
        looked_for = _comparable(words or "").split()
        return [task for task in await self.all() if not (open_only and task.done) and _has_all(task, looked_for)]

    async def get(self, task_id: str) -> ListedTask:
        """One task as it is now."""
        return _listed(await self._records.get(task_id, self._context))

    async def complete(self, task_id: str, *, done: bool = True) -> ListedTask:
        """Mark a task as done, or as open again; as often as one likes."""
        return await self._change(task_id, done=done)

    async def update(
        self, task_id: str, *, title: str | None = None, due: date | None = None, remove_due: bool = False
    ) -> ListedTask:
        """Give a task another title or date, or no date any more. Raises ValidationError for the title."""
        changes: dict[str, object] = {}
        if title is not None:
            changes["title"] = one_line(title)
        if due is not None or remove_due:
            changes["due"] = due
        return await self._change(task_id, **changes)

    async def delete(self, task_id: str) -> bool:
        """Delete a task; whether it was there. Raises Held under legal hold, and does not raise RecordNotFound."""
        return await self._records.remove(task_id, self._context)

    async def _change(self, task_id: str, **changes: object) -> ListedTask:
        def changed(task: Task) -> Task:
            return Task.model_validate({**task.model_dump(), **changes})

        return _listed(await self._records.change(task_id, changed, self._context))


@lru_cache(maxsize=1)
def _records(kinds: Kinds) -> Records[Task]:
    """One for the process: only the ids of one ascend, so that tasks added at once are listed as they were added."""
    return Records(kinds, "task", Task, most=MAX_TASKS)


def _has_all(task: Task, words: list[str]) -> bool:
    title = _comparable(task.title)
    return all(word in title for word in words)


def _comparable(text: str) -> str:
    """A text as it is compared: a letter may be written as one character or as two, and fold into yet another form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _listed(record: Record[Task]) -> ListedTask:
    return ListedTask(id=record.id, **record.value.model_dump())
