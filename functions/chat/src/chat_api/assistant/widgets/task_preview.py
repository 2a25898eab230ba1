"""A task as it is shown where one points at it: `task_preview.widget` with the task, in the user's language."""

from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.templates import template
from chat_api.texts import mark, say

_OPEN = mark("Open")
_DONE = mark("Done")
_DUE = mark("Due {date}")


class TaskPreviewData(BaseModel):
    """What the template is given; `due` is a text, and empty where there is no date."""

    model_config = ConfigDict(extra="forbid")

    title: str
    state: str
    due: str


def task_preview(task: ListedTask, locale: str) -> DynamicWidgetRoot:
    """The task's title, whether it is done, and the date, as in 2026-12-31. ChatKit takes a `Basic` for a preview."""
    data = TaskPreviewData(
        title=task.title,
        state=say(locale, _DONE if task.done else _OPEN),
        due=say(locale, _DUE, date=task.due.isoformat()) if task.due else "",
    )
    return template("task_preview").build(data)
