"""The tools, as an MCP client sees them: typed arguments, typed results, and what each one does to the tasks."""

from datetime import date
from typing import Annotated

from mcp.server.fastmcp import Context
from mcp.server.session import ServerSession
from pydantic import BaseModel, Field
from starlette.requests import Request

from chatkit_aws.context import RequestContext
from chatkit_aws.errors import RecordNotFound
from chatkit_aws.store import DynamoDBStore
from task_tools.tasks import MAX_TITLE, ListedTask, Tasks

Call = Context[ServerSession, object, Request]
"""The request that a tool is called by; not an argument of the tool."""
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE, description="What is to be done")]
TaskId = Annotated[str, Field(max_length=256, description="The id that list_tasks or add_task told")]
DueDate = Annotated[date | None, Field(description="The day on which it is due, as in 2026-12-31")]
Words = Annotated[
    str | None,
    Field(max_length=MAX_TITLE, description="Words that the titles have to have, in any order, whatever the case"),
]

MOST_LISTED = 100
"""Tasks that are told of at once: a model pays for each one."""


class TaskList(BaseModel):
    """Tasks, open ones first and of these the one that is due first; `left_out` is how many more there are."""

    tasks: list[ListedTask]
    left_out: int = 0


class Deleted(BaseModel):
    """The id of the task that is gone."""

    id: str


class TaskTools:
    """What can be done with the tasks of who calls. Their docstrings are what a model reads."""

    def __init__(self, store: DynamoDBStore) -> None:
        """Keep tasks in `store`, where the assistant keeps them too."""
        self._store = store

    async def add_task(self, call: Call, title: Title, due_date: DueDate = None) -> ListedTask:
        """Add a task to the user's list."""
        return await self._tasks(call).add(title, due_date)

    async def list_tasks(
        self,
        call: Call,
        open_only: Annotated[bool, Field(description="Leave out those that are done")] = False,
        containing: Words = None,
    ) -> TaskList:
        """The user's tasks with their ids: open ones first, and of these the one that is due first; 100 at most."""
        tasks = await self._tasks(call).find(containing, open_only=open_only)
        return TaskList(tasks=tasks[:MOST_LISTED], left_out=max(0, len(tasks) - MOST_LISTED))

    async def complete_task(
        self, call: Call, task_id: TaskId, done: Annotated[bool, Field(description="False opens it again")] = True
    ) -> ListedTask:
        """Mark a task as done, or as open again."""
        return await self._tasks(call).complete(task_id, done=done)

    async def update_task(
        self,
        call: Call,
        task_id: TaskId,
        title: Title | None = None,
        due_date: DueDate = None,
        remove_due_date: Annotated[bool, Field(description="Whether it is to have no due date any more")] = False,
    ) -> ListedTask:
        """Change a task's title or due date; what is not given stays as it is."""
        return await self._tasks(call).update(task_id, title=title, due=due_date, remove_due=remove_due_date)

    async def delete_task(self, call: Call, task_id: TaskId) -> Deleted:
        """Delete a task for good. What is done is to be completed instead."""
        if not await self._tasks(call).delete(task_id):
            raise RecordNotFound(task_id)
        return Deleted(id=task_id)

    def _tasks(self, call: Call) -> Tasks:
        """The tasks of the user whose token came with the request."""
        request = call.request_context.request
        assert request is not None  # noqa: S101 - every transport but HTTP has none
        caller: RequestContext = request.state.caller
        return Tasks(self._store, caller)
