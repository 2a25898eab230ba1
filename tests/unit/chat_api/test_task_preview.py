"""The preview of a task: a title stays a title."""

import pytest
from chatkit.widgets import StrictWidgetRoot
from pydantic import TypeAdapter

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.task_preview import task_preview


@pytest.mark.parametrize(
    "title", ['A "quote"', "back\\slash", "</script>", "{{ due }} {% raw %}", "two\nlines", "🛒", "]}"]
)
def test_title_is_shown_as_it_was_written(title: str) -> None:
    widget = task_preview(ListedTask(id="rec_1", title=title), "en")
    shown = widget.model_dump(mode="json", by_alias=True, exclude_none=True)
    TypeAdapter(StrictWidgetRoot).validate_python(shown)
    assert shown["children"][0]["value"] == title
