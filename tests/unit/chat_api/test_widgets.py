"""Every widget: its template is given what its module says, and gives what ChatKit knows."""

from datetime import date
from typing import Any, get_args

import pytest
from chatkit.widgets import DynamicWidgetRoot, StrictWidgetComponent, StrictWidgetRoot
from pydantic import BaseModel, TypeAdapter

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.approval import ApprovalData, Outcome, approval, ended
from chat_api.assistant.widgets.day_plan import DayPlanData, day_plan
from chat_api.assistant.widgets.task_form import TaskFormData, filled_form, is_open, saved_task, task_form
from chat_api.assistant.widgets.task_list import TaskListData, task_list
from chat_api.assistant.widgets.task_preview import TaskPreviewData, task_preview
from chat_api.assistant.widgets.templates import template
from chat_api.texts import LOCALES

DAY = date(2026, 12, 1)
TASK = ListedTask(id="rec_1", title='A "quote" </script> {{ heading }}\n買い物 🛒', due=DAY)
DONE = ListedTask(id="rec_2", title="Buy groceries", done=True)


def all_of_them(locale: str) -> list[DynamicWidgetRoot]:
    return [
        *(task_list(tasks, locale) for tasks in ((), (TASK,), (TASK, DONE))),
        *(task_form(task, locale) for task in (None, TASK, DONE)),
        filled_form(None, TASK.title, DAY, "Wrong", locale),
        *(saved_task(task, locale) for task in (TASK, DONE)),
        approval("ctc_1", ["Delete it.", TASK.title], locale),
        *(ended([TASK.title], locale, outcome) for outcome in get_args(Outcome.__value__)),
        *(task_preview(task, locale) for task in (TASK, DONE)),
        *(day_plan(DAY, text, locale, is_whole=is_whole) for text, is_whole in (("", False), (TASK.title, True))),
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("![a](https://x.example?q)", "!\\[a](https://x.example?q)"),
        ('<img src="https://x.example?q">', '&lt;img src="https://x.example?q">'),
        ("\\<img src=x>", "\\&lt;img src=x>"),
        ("**Call** [Bob](https://x.example), 5 > 4", "**Call** [Bob](https://x.example), 5 > 4"),
    ],
)
def test_draft_loads_nothing(written: str, shown: str) -> None:
    plan = day_plan(DAY, written, "en", is_whole=True).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert plan["children"][1]["value"] == shown


def check_known(component: dict[str, Any]) -> None:
    """Fails where the SDK's own class of the component does not have it all; each is looked at without its children."""
    adapter: TypeAdapter[Any] = TypeAdapter(StrictWidgetRoot | StrictWidgetComponent)
    children = component.get("children", [])
    alone = {**component, **({"children": []} if children else {})}
    found = adapter.validate_python(alone)
    assert adapter.dump_python(found, mode="json", exclude_unset=True) == alone
    for child in children:
        check_known(child)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_component_and_property_is_one_of_chatkit_s(locale: str) -> None:
    for widget in all_of_them(locale):
        check_known(widget.model_dump(mode="json", by_alias=True, exclude_none=True))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("task_list", TaskListData),
        ("task_form", TaskFormData),
        ("task_preview", TaskPreviewData),
        ("day_plan", DayPlanData),
        ("approval", ApprovalData),
    ],
)
def test_schema_of_a_template_is_that_of_its_data(name: str, data: type[BaseModel]) -> None:
    assert template(name).data_schema == data.model_json_schema()
    assert template(name).name == name


def test_title_is_in_the_form_as_it_was_written() -> None:
    form = task_form(TASK, "en").model_dump(mode="json", exclude_none=True)
    assert TASK.title in [field.get("defaultValue") for field in form["children"][1]["children"]]


def test_form_is_open_until_it_was_saved() -> None:
    assert [is_open(widget) for widget in (task_form(None, "en"), saved_task(TASK, "en"))] == [True, False]
    assert not is_open(task_list((TASK,), "en"))
