"""A week's plan as a workflow, a model's reasoning as one, and how they are closed however the answer ends."""

import asyncio
import json
from datetime import date
from typing import Any

import pytest
from agents.testing import assistant_message, function_call
from openai.types.responses import ResponseReasoningItem
from openai.types.responses.response_reasoning_item import Summary

from chat_api.assistant.week import MOST_TOLD
from chat_api.web.claims import HEADER
from chat_testing.app import App
from chat_testing.assistant import ask, calls, given, reloaded, tasks_of, told
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModel, PausingModels
from chat_testing.said import wait_until_said
from chat_testing.spent import Make

RUN = "the-run-of-a-page-1"
TODAY = "2026-12-01"


def thinks(*thoughts: str, number: int = 1) -> ResponseReasoningItem:
    summary = [Summary(type="summary_text", text=thought) for thought in thoughts]
    return ResponseReasoningItem(id=f"rs_{number}", type="reasoning", summary=summary)


def workflows(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item["workflow"] for item in items if item["type"] == "workflow"]


def replayed(answer: Answer) -> list[dict[str, Any]]:
    """The workflows as a page has them that knows no more than the events before they were done."""
    found: dict[str, dict[str, Any]] = {}
    for event in answer.events:
        item, update = event.get("item", {}), event.get("update", {})
        if event["type"] == "thread.item.added" and item["type"] == "workflow":
            found[item["id"]] = item["workflow"]
        elif update.get("type", "").startswith("workflow.task."):
            tasks, index = found[event["item_id"]]["tasks"], update["task_index"]
            assert index == len(tasks) - (update["type"] == "workflow.task.updated")
            tasks[index:] = [update["task"]]
    return list(found.values())


async def test_steps_are_shown_one_after_the_other_and_are_there_after_a_reload(app: App, alice: ChatClient) -> None:
    for title, due in (("Late", date(2026, 11, 1)), ("Call Bob", date(2026, 12, 2)), ("Some day", None)):
        await tasks_of(app, "alice").add(title, due)
    answer = await ask(app, alice, "plan_week", today=TODAY)
    [workflow] = workflows(answer.items)
    assert [(task["type"], task["title"]) for task in workflow["tasks"]] == [
        ("web_search", "Looking through the tasks"),
        ("thought", "What comes first"),
        ("custom", "Spreading them over the days"),
    ]
    assert workflow["tasks"][0]["status_indicator"] == "complete"
    assert workflow["tasks"][1]["content"] == "Overdue: 1. Due this week: 1. Without a date: 1."
    assert (workflow["summary"], workflow["expanded"]) == ({"title": "Planned the week", "icon": "calendar"}, False)
    assert [shown["tasks"] for shown in replayed(answer)] == [workflow["tasks"]]
    assert await reloaded(alice, answer.thread_id) == answer.items
    plan = json.loads(told(app).removeprefix("Proposed; 3 of its 3 tasks are: "))
    assert plan == {f"2026-12-0{n}": {1: ["Late"], 2: ["Call Bob"], 3: ["Some day"]}.get(n, []) for n in range(1, 8)}


async def test_model_is_told_that_more_is_planned_than_it_is_told(app: App, alice: ChatClient) -> None:
    tasks = tasks_of(app, "alice")
    for number in range(MOST_TOLD):
        await tasks.add(f"Late {number}", date(2026, 11, 1))
    await tasks.add("In a year", date(2027, 12, 1))
    for title in ("牛乳を買う", "Some day"):
        await tasks.add(title, date(2026, 12, 7))
    answer = await ask(app, alice, "plan_week", today=TODAY)
    [workflow] = workflows(answer.items)
    assert workflow["tasks"][1]["content"] == "Overdue: 100. Due this week: 2. Without a date: 0."
    assert workflow["tasks"][2]["content"].splitlines()[0::6] == ["2026-12-01: 100", "2026-12-07: 2"]
    assert told(app).startswith("Proposed; 100 of its 102 tasks are: {")
    assert "Late 99" in told(app)
    assert "Some day" not in told(app)


async def test_model_is_told_titles_as_they_are_written(app: App, alice: ChatClient) -> None:
    await tasks_of(app, "alice").add("牛乳を買う")
    await ask(app, alice, "plan_week", today=TODAY)
    assert "牛乳を買う" in told(app)


@pytest.mark.parametrize(("today", "is_planned"), [("9999-12-25", True), ("9999-12-26", False), ("0001-01-01", True)])
async def test_week_that_the_calendar_has_not_is_told_to_the_model_and_nothing_is_shown(
    app: App, alice: ChatClient, today: str, is_planned: bool
) -> None:
    answer = await ask(app, alice, "plan_week", today=today)
    assert answer.text == "As you wish"
    assert told(app).startswith("Proposed" if is_planned else "Nothing was done")
    assert len(workflows(answer.items)) == is_planned


async def test_nobody_s_week_has_the_tasks_of_others(app: App, alice: ChatClient) -> None:
    await tasks_of(app, "bob").add("A secret")
    answer = await ask(app, alice, "plan_week", today=TODAY)
    assert b"secret" not in answer.body
    assert "secret" not in told(app)


async def test_model_is_told_in_later_turns_what_was_shown(app: App, alice: ChatClient) -> None:
    answer = await ask(app, alice, "plan_week", today=TODAY)
    app.models.say("You are welcome")
    await alice.say(answer.thread_id, "Thanks")
    assert "Spreading them over the days" in given(app)


async def test_summary_of_the_model_s_reasoning_is_shown_and_there_after_a_reload(app: App, alice: ChatClient) -> None:
    reasoning = thinks("First this", "Then that")
    app.models.model.enqueue([reasoning, assistant_message("Done", item_id="msg_1")])
    answer = await alice.create("Think about it")
    [workflow] = workflows(answer.items)
    assert workflow["type"] == "reasoning"
    assert [(task["type"], task["content"]) for task in workflow["tasks"]] == [
        ("thought", "First this"),
        ("thought", "Then that"),
    ]
    assert "duration" in workflow["summary"]
    assert [shown["tasks"] for shown in replayed(answer)] == [workflow["tasks"]]
    assert await reloaded(alice, answer.thread_id) == answer.items
    app.models.say("You are welcome")
    assert (await alice.say(answer.thread_id, "Thanks")).text == "You are welcome"


async def test_reasoning_ends_where_a_plan_begins(app: App, alice: ChatClient) -> None:
    plan = function_call("plan_week", {"today": TODAY}, call_id="call_1", item_id="fc_1")
    app.models.model.enqueue([thinks("They want a plan"), plan])
    app.models.model.enqueue([thinks("It is fine", number=2), assistant_message("Done", item_id="msg_1")])
    answer = await alice.create("Plan my week")
    assert [len(workflow["tasks"]) for workflow in workflows(answer.items)] == [1, 3, 1]
    assert all("summary" in workflow for workflow in workflows(answer.items))
    assert await reloaded(alice, answer.thread_id) == answer.items


@pytest.mark.parametrize("tool", ["open_task", "ask_details"])
async def test_reasoning_is_closed_where_the_answer_waits(app: App, alice: ChatClient, tool: str) -> None:
    task = await tasks_of(app, "alice").add("Call Bob")
    arguments: dict[str, dict[str, Any]] = {"open_task": {"task_id": task.id}, "ask_details": {"missing": ["title"]}}
    call = function_call(tool, arguments[tool], call_id="call_1", item_id="fc_1")
    app.models.model.enqueue([thinks("I have to ask"), call])
    answer = await alice.create("Do it")
    items = await reloaded(alice, answer.thread_id)
    [workflow] = workflows(items)
    assert "duration" in workflow["summary"]
    assert [item["type"] for item in items][1] == "workflow"
    assert workflows(answer.items) == [workflow]


async def test_turn_goes_on_after_the_page_has_answered_although_it_began_with_reasoning(
    app: App, alice: ChatClient
) -> None:
    task = await tasks_of(app, "alice").add("Call Bob")
    call = function_call("open_task", {"task_id": task.id}, call_id="call_1", item_id="fc_1")
    app.models.model.enqueue([thinks("I have to ask"), call])
    answer = await alice.create("Open it")
    app.models.model.enqueue([thinks("It is open", number=2), assistant_message("Done", item_id="msg_1")])
    result = await alice.send("threads.add_client_tool_output", thread_id=answer.thread_id, result={})
    assert result.text == "Done"
    [workflow] = workflows(await reloaded(alice, answer.thread_id))
    assert [task["content"] for task in workflow["tasks"]] == ["I have to ask", "It is open"]
    assert "duration" in workflow["summary"]


@pytest.mark.parametrize("how", ["stopped", "failed"])
async def test_reasoning_is_closed_where_the_answer_ends_early(make: Make, how: str) -> None:
    app = make(PausingModels())
    alice, model = app.user("alice"), app.models.model
    assert isinstance(model, PausingModel)
    model.enqueue([thinks("Let me see"), function_call("draft_plan", {"day": TODAY, "wishes": ""}, call_id="c")])
    model.error = RuntimeError("no")
    calls(app, "list_tasks", open_only=True)
    sent = json.dumps(request("threads.create", input=message("Plan"))).encode()
    turn = asyncio.create_task(alice.post(sent, **{HEADER: RUN}))
    if how == "stopped":
        await wait_until_said("Let me see", app.table_name, app.dynamodb)
        await alice.post(json.dumps({"run": RUN}).encode(), path="/chatkit/stop")
    model.go_on.set()
    answer = await turn
    [workflow] = workflows(await reloaded(alice, answer.thread_id))
    assert [task["content"] for task in workflow["tasks"]] == ["Let me see"]
    assert "duration" in workflow["summary"]
