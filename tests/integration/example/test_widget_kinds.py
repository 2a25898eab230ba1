"""An action is carried out in the widget that it belongs to, or outside of any; a request may name another."""

from typing import Any

import pytest

from chat_testing.app import App
from chat_testing.assistant import ask, calls, reloaded, tasks_of
from chat_testing.chat import Answer, ChatClient

REFUSED = "This action is not valid."
KINDS = ("list", "form", "saved", "plan", "approval", "answered")
"""The widgets of the example, of which the form and the approval have two looks."""
OWN = {"task.toggle": {"list"}, "task.delete": {"list"}, "task.edit": {"form", "saved"}, "task.save": {"form", "saved"}}


async def act(alice: ChatClient, thread_id: str, item_id: str, action: str, **payload: Any) -> Answer:
    kind = "threads.sync_custom_action" if action == "task.delete" else "threads.custom_action"
    return await alice.send(kind, thread_id=thread_id, item_id=item_id, action={"type": action, "payload": payload})


async def widget_of(alice: ChatClient, thread_id: str) -> dict[str, Any]:
    [item] = [item for item in await reloaded(alice, thread_id) if item["type"] == "widget"]
    return item


async def show(app: App, alice: ChatClient, kind: str, task_id: str) -> tuple[str, dict[str, Any]]:
    """A widget of that kind in a thread of its own."""
    match kind:
        case "list":
            answer = await ask(app, alice, "show_tasks")
        case "form" | "saved":
            answer = await ask(app, alice, "show_task_form", task_id=task_id)
        case "plan":
            calls(app, "draft_plan", day="2026-12-01", wishes="")
            app.models.say("My draft")
            app.models.say("There")
            answer = await alice.create("Draft a plan")
        case _:
            calls(app, "delete_task", task_id=task_id)
            answer = await alice.create("Delete it")
    item = await widget_of(alice, answer.thread_id)
    if kind == "saved":
        await act(alice, answer.thread_id, item["id"], "task.save", task_id=task_id, title="Call Bob")
    if kind == "answered":
        app.models.say("As you wish")
        [_, _, row] = item["widget"]["children"]
        payload = row["children"][1]["onClickAction"]["payload"]
        await act(alice, answer.thread_id, item["id"], "approval.answer", **payload)
    return answer.thread_id, await widget_of(alice, answer.thread_id)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", OWN)
async def test_action_changes_widgets_of_its_own_kind_and_no_others(
    app: App, alice: ChatClient, action: str, kind: str
) -> None:
    tasks = tasks_of(app, "alice")
    named, _ = await tasks.add("Call Bob"), await tasks.add("Rest")
    thread_id, before = await show(app, alice, kind, named.id)
    extra: dict[str, dict[str, Any]] = {"task.toggle": {"done": True}, "task.save": {"title": "Call Ann"}}
    kept = await tasks.all()
    answer = await act(alice, thread_id, before["id"], action, task_id=named.id, **extra.get(action, {}))
    after = await widget_of(alice, thread_id)
    if kind in OWN[action]:
        assert answer.status == 200
        assert answer.of_type("error") == [] if action != "task.delete" else answer.json["updated_item"] == after
    else:
        assert refusal(answer) == REFUSED
        assert (after, await tasks.all()) == (before, kept)


def refusal(answer: Answer) -> str:
    """What it says, in the stream or as a problem."""
    if answer.status != 200:
        return str(answer.json["detail"])
    [error] = answer.of_type("error")
    return str(error["message"])
