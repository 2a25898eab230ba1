"""The task list as a widget: `task_list.widget` with a user's tasks, in their language.

The template is given `TaskListData`.
"""

from collections.abc import Sequence

from chatkit.widgets import DynamicWidgetRoot, WidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say
from chat_api.toolkit.calls import actions_of

MOST_SHOWN = 50
"""Tasks in one widget: each takes about half a kilobyte of its item."""

_HEADING = mark("Open tasks: {count}")
_DUE = mark("Due {date}")
_DELETE = mark("Delete")
_NONE = mark("There are no tasks yet.")
_MORE = mark("Not shown: {count}")


class TaskData(BaseModel):
    """A row of the list; `due` is a text, and empty where there is no date."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str
    done: bool
    due: str


class TaskListData(BaseModel):
    """What the template is given; `note` is below the rows, where it is not empty."""

    model_config = ConfigDict(extra="forbid")

    heading: str
    delete: str
    note: str
    tasks: list[TaskData]


def task_list(tasks: Sequence[ListedTask], locale: str) -> DynamicWidgetRoot:
    """The first of the tasks, each with a button to check it off (`task.toggle`) and one to delete it (`task.delete`).

    The texts are in the language of `locale`, the dates as in 2026-12-31.
    """
    is_open = sum(not task.done for task in tasks)
    data = TaskListData(
        heading=say(locale, _HEADING, count=is_open),
        delete=say(locale, _DELETE),
        note=_note(len(tasks), locale),
        tasks=[_row(task, locale) for task in tasks[:MOST_SHOWN]],
    )
    return template("task_list").build(data)


def as_text(tasks: Sequence[ListedTask]) -> str:
    """What is copied where the widget is: a line for each task that it shows."""
    return "\n".join(f"{'☑' if task.done else '☐'} {task.title}" for task in tasks[:MOST_SHOWN])


def is_task_list(widget: WidgetRoot) -> bool:
    """Whether the widget is this one, by its kind and what it can be used for: nothing where it is empty."""
    return widget.type == "ListView" and actions_of(widget) <= {"task.toggle", "task.delete"}


def _note(count: int, locale: str) -> str:
    if count > MOST_SHOWN:
        return say(locale, _MORE, count=count - MOST_SHOWN)
    return "" if count else say(locale, _NONE)


def _row(task: ListedTask, locale: str) -> TaskData:
    due = say(locale, _DUE, date=task.due.isoformat()) if task.due else ""
    return TaskData(id=task.id, title=task.title, done=task.done, due=due)
