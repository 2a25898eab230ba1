"""The form of a task: it is shown, filled in, wrong, saved, opened again, and after a reload as it was left."""

import asyncio
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from chat_api.assistant.tasks import MAX_TASKS, ListedTask, Tasks
from chat_testing.app import App
from chat_testing.assistant import UNKNOWN, ask, reloaded, tasks_of, told
from chat_testing.chat import Answer, ChatClient, request

WORDS = {"title": "  Call Bob ", "due": "2026-12-01"}


@dataclass
class Form:
    """A form in a thread of a user's."""

    app: App
    user: ChatClient
    tasks: Tasks
    thread_id: str
    item: dict[str, Any]

    async def act(self, action: str, payload: Any, **changes: Any) -> Answer:
        """Use the widget."""
        place = {"thread_id": self.thread_id, "item_id": self.item["id"], **changes}
        return await self.user.send("threads.custom_action", **place, action={"type": action, "payload": payload})

    async def shown(self) -> dict[str, Any]:
        """The widget after a reload."""
        [item] = [item for item in await reloaded(self.user, self.thread_id) if item["type"] == "widget"]
        return dict(item["widget"])


async def show(app: App, user: str = "alice", task: ListedTask | None = None) -> Form:
    client = app.user(user)
    answer = await ask(app, client, "show_task_form", task_id=task.id if task else None)
    [item] = [item for item in answer.items if item["type"] == "widget"]
    return Form(app, client, tasks_of(app, user), answer.thread_id, item)


@pytest.fixture
async def form(app: App) -> Form:
    return await show(app)


def fields(widget: dict[str, Any]) -> dict[str, Any]:
    """What the form's fields begin with, and what it says is wrong."""
    [form] = [child for child in widget["children"] if child["type"] == "Form"]
    named = {child["name"]: child.get("defaultValue", "") for child in form["children"] if "name" in child}
    return {**named, "wrong": "".join(child["value"] for child in form["children"] if child["type"] == "Text")}


def texts(widget: dict[str, Any]) -> list[str]:
    return [child["value"] for child in widget["children"] if "value" in child]


async def test_form_for_a_new_task_is_empty_and_there_after_a_reload(form: Form) -> None:
    assert fields(form.item["widget"]) == {"title": "", "due": "", "wrong": ""}
    assert await form.shown() == form.item["widget"]
    assert await form.tasks.all() == []
    assert "has not saved it yet" in told(form.app)


async def test_saved_form_is_a_task_and_a_reload_shows_it_saved(form: Form) -> None:
    calls = len(form.app.models.model.calls)
    answer = await form.act("task.save", {**WORDS})
    [task] = await form.tasks.all()
    assert (task.title, task.due) == ("Call Bob", date(2026, 12, 1))
    [update] = answer.of_type("thread.item.updated")
    assert texts(update["update"]["widget"]) == ["Saved", "Call Bob", "Due 2026-12-01"]
    assert await form.shown() == update["update"]["widget"]
    assert len(form.app.models.model.calls) == calls


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": " "}, "A title has 1 to 200 characters."),
        ({"title": "\u2066\u200b"}, "A title has 1 to 200 characters."),
        ({"title": "x" * 201}, "A title has 1 to 200 characters."),
        ({"title": "Call Bob", "due": "tomorrow"}, "This is not a date."),
    ],
    ids=["empty", "looks empty", "long", "no date"],
)
async def test_what_is_wrong_is_said_in_the_form_beside_what_was_written(
    form: Form, wrong: dict[str, str], said: str
) -> None:
    answer = await form.act("task.save", wrong)
    assert answer.of_type("error") == []
    assert fields(await form.shown()) == {"title": wrong["title"], "due": "", "wrong": said}
    assert await form.tasks.all() == []
    await form.act("task.save", {**WORDS})
    assert [task.title for task in await form.tasks.all()] == ["Call Bob"]


async def test_what_is_wrong_is_said_in_the_language_of_who_wrote_it(form: Form) -> None:
    place = {"thread_id": form.thread_id, "item_id": form.item["id"]}
    sent = request("threads.custom_action", **place, action={"type": "task.save", "payload": {"title": ""}})
    await form.user.post(json.dumps(sent).encode(), **{"Accept-Language": "de"})
    assert fields(await form.shown())["wrong"] == "Ein Titel hat 1 bis 200 Zeichen."


async def test_second_click_saves_nothing_more(form: Form) -> None:
    first = await form.act("task.save", {**WORDS})
    second = await form.act("task.save", {"title": "Another"})
    assert [task.title for task in await form.tasks.all()] == ["Call Bob"]
    assert first.of_type("thread.item.updated") == second.of_type("thread.item.updated")


async def test_two_clicks_at_once_save_one_task(form: Form) -> None:
    answers = await asyncio.gather(*(form.act("task.save", {**WORDS}) for _ in range(4)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert [task.title for task in await form.tasks.all()] == ["Call Bob"]
    assert texts(await form.shown())[0] == "Saved"


async def test_task_is_changed_in_its_form_and_the_date_may_be_taken_away(form: Form) -> None:
    await form.act("task.save", {**WORDS})
    [task] = await form.tasks.all()
    await form.act("task.edit", {"task_id": task.id})
    assert fields(await form.shown()) == {"title": "Call Bob", "due": "2026-12-01T00:00:00", "wrong": ""}
    await form.act("task.save", {"task_id": task.id, "title": "Call Ann", "due": None})
    assert await form.tasks.all() == [ListedTask(id=task.id, title="Call Ann")]
    assert texts(await form.shown()) == ["Saved", "Call Ann"]


async def test_form_of_a_task_that_there_is_has_what_it_says(app: App) -> None:
    task = await tasks_of(app, "alice").add("Call Bob", date(2026, 12, 1))
    form = await show(app, task=task)
    assert fields(form.item["widget"]) == {"title": "Call Bob", "due": "2026-12-01T00:00:00", "wrong": ""}
    await form.act("task.save", {"task_id": task.id, "title": "Call Bob", "due": "2026-12-24T00:00:00.000Z"})
    assert [task.due for task in await form.tasks.all()] == [date(2026, 12, 24)]


async def test_task_that_is_gone_meanwhile_is_said_to_be_and_not_made_anew(app: App) -> None:
    task = await tasks_of(app, "alice").add("Call Bob")
    form = await show(app, task=task)
    await form.tasks.delete(task.id)
    await form.act("task.save", {"task_id": task.id, "title": "Call Ann"})
    assert fields(await form.shown())["wrong"] == "This task is no longer there."
    edited = await form.act("task.edit", {"task_id": task.id})
    assert [event["message"] for event in edited.of_type("notice")] == ["This task is no longer there."]
    assert await form.tasks.all() == []


async def test_who_has_all_tasks_that_they_may_have_is_told_so(form: Form) -> None:
    for _ in range(MAX_TASKS // 20):
        await asyncio.gather(*(form.tasks.add("x") for _ in range(20)))
    await form.act("task.save", {**WORDS})
    assert fields(await form.shown())["wrong"] == "You have 500 tasks and can have no more. Delete some first."


@pytest.mark.parametrize(
    "payload", [None, "x", {"title": 1}, {"title": "x" * 2001}, {"title": "x", "due": 5}, {**WORDS, "user_id": "bob"}]
)
async def test_what_no_form_sends_is_refused_and_changes_nothing(form: Form, payload: Any) -> None:
    answer = await form.act("task.save", payload)
    assert [event["message"] for event in answer.of_type("error")] == ["This action is not valid."]
    assert await form.shown() == form.item["widget"]
    assert await form.tasks.all() == []


async def test_save_without_its_form_is_refused(form: Form) -> None:
    answer = await form.act("task.save", {**WORDS}, item_id=None)
    assert [event["message"] for event in answer.of_type("error")] == ["This action is not valid."]
    assert await form.tasks.all() == []


@pytest.mark.parametrize("whose", ["another's", "nobody's", "no id"])
async def test_other_user_s_task_is_as_one_that_never_was(form: Form, whose: str) -> None:
    task = await form.tasks.add("A secret")
    bobs = await show(form.app, "bob")
    task_id = {"another's": task.id, "nobody's": UNKNOWN, "no id": "../alice"}[whose]
    await bobs.act("task.save", {"task_id": task_id, **WORDS})
    assert fields(await bobs.shown())["wrong"] == "This task is no longer there."
    edited = await bobs.act("task.edit", {"task_id": task_id})
    assert [event["message"] for event in edited.of_type("notice")] == ["This task is no longer there."]
    asked = await ask(bobs.app, bobs.user, "show_task_form", task_id=task_id)
    assert "there is no task with this id" in told(bobs.app)
    assert b"secret" not in edited.body + asked.body
    assert await form.tasks.all() == [task]
    assert await bobs.tasks.all() == []


async def test_form_of_another_user_cannot_be_used(form: Form) -> None:
    bobs = await show(form.app, "bob")
    answer = await bobs.act("task.save", {**WORDS}, thread_id=form.thread_id, item_id=form.item["id"])
    assert answer.status == 404
    assert await bobs.tasks.all() == await form.tasks.all() == []
    assert await form.shown() == form.item["widget"]
