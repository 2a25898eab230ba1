"""A task as it is shown where one points at it: `task_preview.widget` with the task, in the user's language."""

import json
from functools import cache
from importlib.resources import files

from chatkit.widgets import DynamicWidgetRoot, WidgetTemplate
from pydantic import BaseModel, ConfigDict

from chat_api.assistant.tasks import ListedTask
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
    return _template().build(data)


@cache
def _template() -> WidgetTemplate:
    """Compiled when the first one is shown, not when the process starts."""
    file = files(__package__).joinpath("task_preview.widget")
    return WidgetTemplate(json.loads(file.read_text(encoding="utf-8")))
