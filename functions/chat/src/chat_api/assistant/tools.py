"""What the assistant can do with the user's tasks. Add a function here and name it in `agent.py`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from agents import RunContextWrapper, function_tool
from pydantic import TypeAdapter

from chat_api.assistant.entities import cite, cite_no_more
from chat_api.assistant.refusals import explain
from chat_api.assistant.run import Run, notice, progress, tasks_of
from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.task_form import task_form
from chat_api.assistant.widgets.task_list import as_text, task_list
from chat_api.texts import mark
from chatkit_aws.errors import RecordNotFound

MOST_LISTED = 100
"""Tasks that the model is told of at once: it pays for each one in every later call of the turn."""

_TASKS = TypeAdapter(list[ListedTask])


@function_tool(failure_error_function=explain)
async def add_task(run: Run, title: str, due_date: date | None) -> str:
    """Add a task to the user's list.

    Args:
        run: The run that calls the tool; not shown to the model.
        title: What is to be done, in the user's words.
        due_date: The day on which it is due, as in 2026-12-31; null if the user named none.
    """
    await progress(run, "write", mark("Adding the task"))
    return f"Added: {_told(run, await tasks_of(run).add(title, due_date))}"


@function_tool(failure_error_function=explain)
async def list_tasks(run: Run, open_only: bool, containing: str | None = None) -> str:
    """The user's tasks with their ids: open ones first, and of these the one that is due first; 100 at most.

    Args:
        run: The run that calls the tool; not shown to the model.
        open_only: Whether to leave out those that are done.
        containing: Words that the titles have to have, in any order, whatever the case; null for all tasks.
    """
    await progress(run, "search", mark("Looking through the tasks"))
    return _listed(run, await tasks_of(run).find(containing, open_only=open_only))


@function_tool(failure_error_function=explain)
async def complete_task(run: Run, task_id: str, done: bool) -> str:
    """Mark a task as done, or as open again.

    Args:
        run: The run that calls the tool; not shown to the model.
        task_id: The id that list_tasks or add_task told.
        done: True marks it as done, false opens it again.
    """
    await progress(run, "check", mark("Checking off the task") if done else mark("Opening the task again"))
    return f"Changed: {_told(run, await tasks_of(run).complete(task_id, done=done))}"


@function_tool(failure_error_function=explain)
async def update_task(run: Run, task_id: str, title: str | None, due_date: date | None, remove_due_date: bool) -> str:
    """Change a task's title or due date.

    Args:
        run: The run that calls the tool; not shown to the model.
        task_id: The id that list_tasks or add_task told.
        title: The new title; null leaves it as it is.
        due_date: The new day, as in 2026-12-31; null leaves it as it is.
        remove_due_date: Whether the task is to have no due date any more.
    """
    await progress(run, "notebook-pencil", mark("Changing the task"))
    changed = await tasks_of(run).update(task_id, title=title, due=due_date, remove_due=remove_due_date)
    return f"Changed: {_told(run, changed)}"


async def _is_there(run: RunContextWrapper[Any], arguments: dict[str, Any], _call_id: str) -> bool:
    """Whether there is something to delete, for which the user is asked; a call that can do nothing needs no leave."""
    try:
        await tasks_of(run).get(str(arguments.get("task_id")))
    except RecordNotFound:
        return False
    return True


@function_tool(failure_error_function=explain, needs_approval=_is_there)
async def delete_task(run: Run, task_id: str) -> str:
    """Delete a task for good, once the user has allowed it: they are asked. What is done is to be completed instead.

    Args:
        run: The run that calls the tool; not shown to the model.
        task_id: The id that list_tasks or add_task told.
    """
    await progress(run, "write", mark("Deleting the task"))
    if not await tasks_of(run).delete(task_id):
        raise RecordNotFound(task_id)
    cite_no_more(run.context.request_context, task_id)
    return "Deleted."


@function_tool(failure_error_function=explain)
async def show_tasks(run: Run) -> str:
    """Show the user their tasks as a list in which they can check them off.

    Args:
        run: The run that calls the tool; not shown to the model.
    """
    await progress(run, "notebook", mark("Fetching the list"))
    tasks, locale = await tasks_of(run).all(), run.context.request_context.locale
    await run.context.stream_widget(task_list(tasks, locale), copy_text=as_text(tasks))
    if late := sum(task.is_overdue(datetime.now(UTC)) for task in tasks):
        await notice(run, "warning", mark("Overdue tasks: {count}"), count=late)
    return f"The user sees the list now: {_listed(run, tasks)}"


@function_tool(failure_error_function=explain)
async def show_task_form(run: Run, task_id: str | None) -> str:
    """Show the user a form in which they write a new task, or change one, and save it themselves.

    Args:
        run: The run that calls the tool; not shown to the model.
        task_id: The id of the task to be changed; null for a new one.
    """
    await progress(run, "notebook-pencil", mark("Preparing the form"))
    task = await tasks_of(run).get(task_id) if task_id else None
    await run.context.stream_widget(task_form(task, run.context.request_context.locale))
    return "The user sees the form now, and has not saved it yet."


def _told(run: Run, task: ListedTask) -> str:
    """A task as JSON for the model, whose answer may cite it."""
    cite(run.context.request_context, [task])
    return task.model_dump_json()


def _listed(run: Run, tasks: Sequence[ListedTask]) -> str:
    """Tasks likewise."""
    told = tasks[:MOST_LISTED]
    cite(run.context.request_context, told)
    left_out = f" and {len(tasks) - MOST_LISTED} more" if len(tasks) > MOST_LISTED else ""
    return _TASKS.dump_json([*told]).decode() + left_out
