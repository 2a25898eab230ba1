"""What users name with an @ and what answers cite, ChatKit's entities: here their tasks, by the ids of these."""

import asyncio
from collections.abc import Iterable

from chatkit.icons import IconName
from chatkit.types import EntitySource
from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel

from chat_api.assistant.tasks import ListedTask, Tasks
from chat_api.assistant.widgets.task_preview import task_preview
from chat_api.runs.context import TurnContext
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import RecordNotFound
from chatkit_aws.store import DynamoDBStore

MOST_FOUND = 20
"""Entities that a search gives: a menu has room for few."""

_GROUP = mark("Tasks")
_OPEN_ICON: IconName = "empty-circle"
_DONE_ICON: IconName = "check-circle"


class Entity(BaseModel):
    """An entity as ChatKit.js takes it; `data` comes back with a tag and with what the page is asked for.

    https://openai.github.io/chatkit-js/api/openai/chatkit/type-aliases/entity
    """

    id: str
    title: str
    icon: IconName
    group: str
    interactive: bool = True
    data: dict[str, str]


class Entities:
    """The entities of who asks: those of others are not found, as if they had never been. All raise as the store does.

    An id may come from anywhere and be of any form.
    """

    def __init__(self, store: DynamoDBStore, context: RequestContext) -> None:
        """Those that `store` has for the user of `context`, in whose language they are shown."""
        self._tasks = Tasks(store, context)
        self._context = context

    async def search(self, query: str) -> list[Entity]:
        """The first that have every word of the query in their title; all where it has none."""
        return [_entity(task, self._context.locale) for task in (await self._tasks.find(query))[:MOST_FOUND]]

    async def preview(self, entity_id: str) -> DynamicWidgetRoot:
        """What is shown where one points at it. Raises RecordNotFound."""
        return task_preview(await self._tasks.get(entity_id), self._context.locale)

    async def named(self, entity_ids: Iterable[str]) -> dict[str, ListedTask]:
        """Of these ids, which the user says with an @, those that are there, as they are now; the answer cites them."""
        found = await asyncio.gather(*map(self._find, entity_ids))
        tasks = {task.id: task for task in found if task is not None}
        cite(self._context, tasks.values())
        return tasks

    async def _find(self, entity_id: str) -> ListedTask | None:
        try:
            return await self._tasks.get(entity_id)
        except RecordNotFound:
            return None


def cite(context: RequestContext, tasks: Iterable[ListedTask]) -> None:
    """Have the answer of this turn cite these tasks where it mentions them by their titles."""
    if isinstance(context, TurnContext):
        context.sources.update({task.id: _source(task, context.locale) for task in tasks})


def cite_no_more(context: RequestContext, task_id: str) -> None:
    """Have it cite a task no more: it was deleted."""
    if isinstance(context, TurnContext):
        context.sources.pop(task_id, None)


def _entity(task: ListedTask, locale: str) -> Entity:
    icon = _DONE_ICON if task.done else _OPEN_ICON
    return Entity(id=task.id, title=task.title, icon=icon, group=say(locale, _GROUP), data={"kind": "task"})


def _source(task: ListedTask, locale: str) -> EntitySource:
    return EntitySource(**_entity(task, locale).model_dump())
