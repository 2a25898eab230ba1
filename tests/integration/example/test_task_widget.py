"""The task list in a thread: it is shown, used, and after a reload as it was left. No model is asked for any of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from agents.testing import function_call

from chat_api.assistant.tasks import ListedTask, Tasks
from chat_testing.app import App
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient, request
from chatkit_aws.store import DynamoDBStore

GROCERIES, BOB = "Buy groceries", "Call Bob"
UNKNOWN = "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB"


@dataclass
class Shown:
    """A user's list of two tasks, shown in a thread of theirs."""

    app: App
    user: ChatClient
    tasks: Tasks
    first: ListedTask
    second: ListedTask
    answer: Answer

    @property
    def item(self) -> dict[str, Any]:
        """The widget's item, as it was streamed."""
        [item] = [item for item in self.answer.items if item["type"] == "widget"]
        return item

    async def reloaded(self) -> dict[str, Any]:
        """The item as it is now."""
        items = await self.user.items(self.answer.thread_id)
        [item] = [item for item in items if item["type"] == "widget"]
        return item

    def params(self, action: str, payload: Any, **changes: Any) -> dict[str, Any]:
        """The parameters of an action in the widget."""
        place = {"thread_id": self.answer.thread_id, "item_id": self.item["id"], **changes}
        return {**place, "action": {"type": action, "payload": payload}}

    async def toggle(self, payload: Any, **changes: Any) -> Answer:
        """Check a task off or open it again."""
        return await self.user.send("threads.custom_action", **self.params("task.toggle", payload, **changes))

    async def delete(self, payload: Any, **changes: Any) -> Answer:
        """Delete a task; the widget waits."""
        return await self.user.send("threads.sync_custom_action", **self.params("task.delete", payload, **changes))


def tasks_of(app: App, user: str) -> Tasks:
    return Tasks(DynamoDBStore(app.table_name, app.dynamodb), context(user, "default"))


async def show(app: App, user: str) -> Shown:
    tasks = tasks_of(app, user)
    first, second = await tasks.add(GROCERIES, date(2026, 12, 1)), await tasks.add(BOB)
    app.models.model.enqueue([function_call("show_tasks", {}, call_id="call_1", item_id="fc_1")])
    app.models.say("Here they are")
    client = app.user(user)
    return Shown(app, client, tasks, first, second, await client.create("Show my tasks"))


@pytest.fixture
async def shown(app: App) -> Shown:
    return await show(app, "alice")


def titles(widget: dict[str, Any]) -> list[tuple[str, bool]]:
    """The rows of a list: what they say, and whether it is done."""
    texts = [row["children"][1]["children"][0] for row in widget["children"] if "key" in row]
    return [(text["value"], text["lineThrough"]) for text in texts]


async def test_list_is_shown_and_there_after_a_reload(shown: Shown) -> None:
    assert titles(shown.item["widget"]) == [(GROCERIES, False), (BOB, False)]
    assert shown.item["copy_text"] == "☐ Buy groceries\n☐ Call Bob"
    assert await shown.user.items(shown.answer.thread_id) == shown.answer.items


async def test_model_is_told_what_is_shown_and_later_only_that_something_was(shown: Shown) -> None:
    call = shown.app.models.model.last_call
    assert call is not None
    assert shown.second.id in str(call.input)
    shown.app.models.say("You are welcome")
    await shown.user.say(shown.answer.thread_id, "Thanks")
    call = shown.app.models.model.last_call
    assert call is not None
    [marker] = [item for item in call.input if "a widget was shown here" in str(item)]
    assert shown.second.id not in str(marker)
    assert "ListView" not in str(call.input)


async def test_check_off_changes_the_task_and_the_list_and_a_reload_shows_it(shown: Shown) -> None:
    calls = len(shown.app.models.model.calls)
    answer = await shown.toggle({"task_id": shown.first.id, "done": True})
    [replaced] = answer.of_type("thread.item.replaced")
    assert replaced["item"]["id"] == shown.item["id"]
    assert titles(replaced["item"]["widget"]) == [(BOB, False), (GROCERIES, True)]
    assert replaced["item"]["copy_text"] == "☐ Call Bob\n☑ Buy groceries"
    assert [task.done for task in await shown.tasks.all()] == [False, True]
    assert await shown.reloaded() == replaced["item"]
    assert len(shown.app.models.model.calls) == calls


async def test_what_is_checked_off_can_be_opened_again_and_a_second_click_does_no_harm(shown: Shown) -> None:
    for done in (True, True, False, False):
        await shown.toggle({"task_id": shown.first.id, "done": done})
        assert (GROCERIES, done) in titles((await shown.reloaded())["widget"])


async def test_delete_gives_back_the_list_without_the_task_and_a_reload_shows_it(shown: Shown) -> None:
    answer = await shown.delete({"task_id": shown.first.id})
    assert titles(answer.json["updated_item"]["widget"]) == [(BOB, False)]
    assert answer.json["updated_item"]["copy_text"] == "☐ Call Bob"
    assert await shown.tasks.all() == [shown.second]
    assert await shown.reloaded() == answer.json["updated_item"]


async def test_task_that_was_deleted_meanwhile_is_no_error(shown: Shown) -> None:
    await shown.tasks.delete(shown.first.id)
    answer = await shown.toggle({"task_id": shown.first.id, "done": True})
    assert [event["message"] for event in answer.of_type("notice")] == ["This task is no longer there."]
    assert answer.of_type("error") == []
    assert titles((await shown.reloaded())["widget"]) == [(BOB, False)]


async def test_list_that_was_emptied_can_still_be_used_on_a_page_that_shows_it_as_it_was(shown: Shown) -> None:
    for task in (shown.first, shown.second):
        await shown.delete({"task_id": task.id})
    assert titles((await shown.reloaded())["widget"]) == []
    added = await shown.tasks.add("Call Ann")
    answer = await shown.toggle({"task_id": shown.first.id, "done": True})
    assert [event["message"] for event in answer.of_type("notice")] == ["This task is no longer there."]
    assert titles((await shown.reloaded())["widget"]) == [(added.title, False)]


async def test_deleting_what_is_no_longer_there_shows_the_list_as_it_is(shown: Shown) -> None:
    await shown.tasks.delete(shown.first.id)
    answer = await shown.delete({"task_id": shown.first.id})
    assert titles(answer.json["updated_item"]["widget"]) == [(BOB, False)]


async def test_task_is_deleted_and_checked_off_from_outside_of_a_widget(shown: Shown) -> None:
    assert (await shown.toggle({"task_id": shown.second.id, "done": True}, item_id=None)).of_type("error") == []
    assert (await shown.delete({"task_id": shown.first.id}, item_id=None)).json == {}
    assert await shown.tasks.all() == [shown.second.model_copy(update={"done": True})]


BAD_TOGGLES: list[Callable[[str], Any]] = [
    lambda _: None,
    lambda _: "rec",
    lambda task_id: {"task_id": task_id},
    lambda task_id: {"task_id": task_id, "done": "yes"},
    lambda task_id: {"task_id": [task_id], "done": True},
    lambda task_id: {"task_id": task_id, "done": True, "user_id": "bob"},
]


@pytest.mark.parametrize("payload", BAD_TOGGLES)
async def test_check_off_that_is_not_valid_is_refused_and_changes_nothing(
    shown: Shown, payload: Callable[[str], Any]
) -> None:
    answer = await shown.toggle(payload(shown.first.id))
    assert [(event["message"], event["allow_retry"]) for event in answer.of_type("error")] == [
        ("This action is not valid.", False)
    ]
    assert await shown.tasks.all() == [shown.first, shown.second]
    assert await shown.reloaded() == shown.item


@pytest.mark.parametrize("payload", [None, {}, {"task_id": 1}, {"task_id": UNKNOWN, "title": "x"}])
async def test_delete_that_is_not_valid_is_refused_and_changes_nothing(shown: Shown, payload: Any) -> None:
    answer = await shown.delete(payload)
    assert (answer.status, answer.json["detail"]) == (422, "This action is not valid.")
    assert await shown.tasks.all() == [shown.first, shown.second]


async def test_refusal_of_what_a_widget_waits_for_is_in_the_language_of_who_uses_it(shown: Shown) -> None:
    body = json.dumps(request("threads.sync_custom_action", **shown.params("task.delete", None))).encode()
    answer = await shown.user.post(body, **{"Accept-Language": "de"})
    assert (answer.status, answer.json["detail"]) == (422, "Diese Aktion ist ungültig.")


@pytest.mark.parametrize("whose", ["another's", "nobody's", "no id"])
async def test_other_user_s_task_is_as_one_that_never_was(shown: Shown, whose: str) -> None:
    bobs = await show(shown.app, "bob")
    task_id = {"another's": shown.first.id, "nobody's": UNKNOWN, "no id": "../alice"}[whose]
    toggled = await bobs.toggle({"task_id": task_id, "done": True})
    assert [event["message"] for event in toggled.of_type("notice")] == ["This task is no longer there."]
    deleted = await bobs.delete({"task_id": task_id})
    assert titles(deleted.json["updated_item"]["widget"]) == [(GROCERIES, False), (BOB, False)]
    assert await shown.tasks.all() == [shown.first, shown.second]
    assert shown.first.id.encode() not in deleted.body


async def test_widget_of_another_user_cannot_be_used(shown: Shown) -> None:
    bobs = await show(shown.app, "bob")
    place = {"thread_id": shown.answer.thread_id, "item_id": shown.item["id"]}
    toggled = await bobs.toggle({"task_id": bobs.first.id, "done": True}, **place)
    deleted = await bobs.delete({"task_id": bobs.first.id}, **place)
    assert [toggled.status, deleted.status] == [404, 404]
    assert await bobs.tasks.all() == [bobs.first, bobs.second]
    assert await shown.reloaded() == shown.item


async def test_list_is_in_the_language_of_who_uses_it(shown: Shown) -> None:
    sent = shown.params("task.toggle", {"task_id": shown.first.id, "done": True})
    body = json.dumps(request("threads.custom_action", **sent)).encode()
    answer = await shown.user.post(body, **{"Accept-Language": "fr"})
    [replaced] = answer.of_type("thread.item.replaced")
    assert replaced["item"]["widget"]["status"]["text"] == "Tâches en cours\u00a0: 1"
