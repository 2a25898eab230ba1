"""The task list's template: what it is given, what it gives, and that ChatKit knows all of it."""

from datetime import date
from typing import Any

import pytest

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.widgets.task_list import MOST_SHOWN, as_text, task_list

TASK = ListedTask(id="rec_1", title="Call Bob", due=date(2026, 12, 1))
DONE = ListedTask(id="rec_2", title="Buy groceries", done=True)


def shown(*tasks: ListedTask, locale: str = "en") -> dict[str, Any]:
    return task_list(tasks, locale).model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    "title",
    [
        'A "quote"',
        "back\\slash",
        "</script><b>bold</b>",
        "{{ heading }} {% raw %}",
        "two\nlines",
        "買い物 🛒",
        "'",
        "]}",
    ],
)
def test_title_is_shown_as_it_was_written(title: str) -> None:
    widget = shown(ListedTask(id="rec_1", title=title))

    assert texts(widget, "Text") == [title]


def test_open_task_can_be_checked_off_and_done_one_opened_again() -> None:
    toggles = [row["children"][0] for row in shown(TASK, DONE)["children"]]

    assert [toggle["iconStart"] for toggle in toggles] == ["empty-circle", "check-circle-filled"]
    assert [toggle["onClickAction"]["payload"] for toggle in toggles] == [
        {"task_id": "rec_1", "done": True},
        {"task_id": "rec_2", "done": False},
    ]


def test_check_off_is_a_streamed_action_and_delete_one_at_once() -> None:
    [row] = shown(TASK)["children"]
    actions = [row["children"][0]["onClickAction"], row["children"][2]["onClickAction"]]

    assert [(action["type"], action.get("streaming", True)) for action in actions] == [
        ("task.toggle", True),
        ("task.delete", False),
    ]


def test_texts_are_in_the_user_s_language_and_the_date_is_shown_where_there_is_one() -> None:
    widget = shown(TASK, DONE, locale="de")

    assert widget["status"]["text"] == "Offene Aufgaben: 1"
    assert texts(widget, "Caption") == ["Fällig am 2026-12-01"]


def test_empty_list_says_so_and_long_one_how_many_are_not_shown() -> None:
    tasks = [ListedTask(id=f"rec_{n}", title="x") for n in range(MOST_SHOWN + 3)]

    assert texts(shown(), "Caption") == ["There are no tasks yet."]
    assert len(shown(*tasks)["children"]) == MOST_SHOWN + 1
    assert texts(shown(*tasks), "Caption") == ["Not shown: 3"]


def test_copied_text_has_a_line_for_each_task() -> None:
    assert as_text([TASK, DONE]) == "☐ Call Bob\n☑ Buy groceries"


def texts(node: Any, kind: str) -> list[str]:
    """What the components of a kind show, in their order."""
    if isinstance(node, list):
        return [text for child in node for text in texts(child, kind)]
    own = [node["value"]] if node["type"] == kind else []
    return own + texts(node.get("children", []), kind)
