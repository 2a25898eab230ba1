"""A task as a form, and as it is once it was saved: `task_form.widget` with a task, in the user's language.

The template is given `TaskFormData`. ChatKit adds what was written into the fields to the payload of the form's action,
by the fields' names (https://openai.github.io/chatkit-python/guides/add-features/use-widgets).
"""

from datetime import date

from chatkit.widgets import DynamicWidgetRoot, WidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say
from chat_api.toolkit.calls import actions_of

_NEW = mark("New task")
_CHANGE = mark("Change the task")
_SAVED = mark("Saved")
_TITLE = mark("Title")
_DUE_DATE = mark("Due date")
_DUE = mark("Due {date}")
_SAVE = mark("Save")
_EDIT = mark("Edit")


class TaskFormData(BaseModel):
    """What the template is given: a form, or where it is not open a task; `task_id` is null for a new one.

    A form has labels, `due` as in 2026-12-31T00:00:00, and `error`, what is wrong with what was written. A task has
    `caption`, its date as it is shown. They are empty where there is none.
    """

    model_config = ConfigDict(extra="forbid")

    is_open: bool
    heading: str
    button: str
    task_id: str | None
    title: str
    title_label: str = ""
    due_label: str = ""
    due: str = ""
    error: str = ""
    caption: str = ""


def task_form(task: ListedTask | None, locale: str) -> DynamicWidgetRoot:
    """The form for a task, or for a new one; its button saves it (`task.save`)."""
    if task is None:
        return filled_form(None, "", None, "", locale)
    return filled_form(task.id, task.title, task.due, "", locale)


def filled_form(task_id: str | None, title: str, due: date | None, error: str, locale: str) -> DynamicWidgetRoot:
    """The form with what the user wrote, and what is wrong with it."""
    data = TaskFormData(
        is_open=True,
        heading=say(locale, _CHANGE if task_id else _NEW),
        button=say(locale, _SAVE),
        task_id=task_id,
        title=title,
        title_label=say(locale, _TITLE),
        due_label=say(locale, _DUE_DATE),
        # With a time it is a browser's own day; a date alone would be one in UTC.
        due=f"{due.isoformat()}T00:00:00" if due else "",
        error=error,
    )
    return template("task_form").build(data)


def saved_task(task: ListedTask, locale: str) -> DynamicWidgetRoot:
    """The task as it was saved; its button opens the form again (`task.edit`)."""
    data = TaskFormData(
        is_open=False,
        heading=say(locale, _SAVED),
        button=say(locale, _EDIT),
        task_id=task.id,
        title=task.title,
        caption=say(locale, _DUE, date=task.due.isoformat()) if task.due else "",
    )
    return template("task_form").build(data)


def is_task_form(widget: WidgetRoot) -> bool:
    """Whether the widget is this one, open or saved, by what it can be used for."""
    return bool(actions_of(widget) & {"task.save", "task.edit"})


def is_open(widget: WidgetRoot) -> bool:
    """Whether the widget is a form that was not saved yet."""
    children = getattr(widget, "children", None)
    return isinstance(children, list) and any(child.type == "Form" for child in children)
