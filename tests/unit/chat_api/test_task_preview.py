"""The preview of a task: what its template is given, and that a title stays a title."""

import pytest
from chatkit.widgets import StrictWidgetRoot
from pydantic import TypeAdapter

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets import task_preview as module
from chat_api.assistant.widgets.task_preview import TaskPreviewData, task_preview


def test_schema_of_the_template_is_that_of_its_data() -> None:
    assert module._template().data_schema == TaskPreviewData.model_json_schema()


@pytest.mark.parametrize(
    "title", ['A "quote"', "back\\slash", "</script>", "{{ due }} {% raw %}", "two\nlines", "🛒", "]}"]
)
def test_title_is_shown_as_it_was_written(title: str) -> None:
    widget = task_preview(ListedTask(id="rec_1", title=title), "en")
    shown = widget.model_dump(mode="json", by_alias=True, exclude_none=True)
    TypeAdapter(StrictWidgetRoot).validate_python(shown)
    assert shown["children"][0]["value"] == title
