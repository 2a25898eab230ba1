"""Calls at once of which one asks the page or the user: later turns are told of each once, with what it came to."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from agents.testing import function_call

from chat_api.toolkit.pauses import WAITS
from chat_testing.app import App
from chat_testing.assistant import calls, tasks_of
from chat_testing.chat import Answer, ChatClient

OPENED = {"opened": True}
BOTH = ("Milk", "Bread")
ADDED = tuple(f"add_task {title}" for title in BOTH)


async def begun(app: App, client: ChatClient, names: Sequence[str]) -> Answer:
    """A thread in which the model made these calls at once."""
    task = await tasks_of(app, "alice").add("Call Bob")
    arguments: dict[str, dict[str, Any]] = {
        "open_task": {"task_id": task.id},
        "ask_details": {"missing": ["title"]},
        **{f"add_task {title}": {"title": title, "due_date": None} for title in BOTH},
    }
    app.models.model.enqueue(
        [
            function_call(name.partition(" ")[0], arguments[name], call_id=f"call_{number}", item_id=f"fc_{number}")
            for number, name in enumerate(names)
        ]
    )
    return await client.create("Do all of it")


def told(app: App) -> list[tuple[str, str]]:
    """The calls that the model was told of in its last turn, by their names, and their results."""
    last = app.models.model.last_call
    assert last is not None
    assert WAITS not in str(last.input)
    items = [dict(item) for item in last.input]
    asked = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
    given = {item["call_id"]: str(item["output"]) for item in items if item.get("type") == "function_call_output"}
    assert asked.keys() == given.keys()
    assert len(asked) == sum(item.get("type") == "function_call" for item in items)
    return sorted((name, given[call_id]) for call_id, name in asked.items())


def added(found: list[tuple[str, str]]) -> set[str]:
    """The titles of the tasks of whose adding the model was told."""
    return {title for title in BOTH if sum(name == "add_task" and title in result for name, result in found) == 1}


@pytest.mark.parametrize("names", [*permutations(["open_task", *ADDED])])
async def test_page_is_asked_among_other_calls_and_all_of_them_are_told_once(
    app: App, alice: ChatClient, names: Sequence[str]
) -> None:
    asked = await begun(app, alice, names)
    app.models.say("Opened")
    answer = await alice.send("threads.add_client_tool_output", thread_id=asked.thread_id, result=OPENED)
    assert answer.text == "Opened"
    found = told(app)
    assert [name for name, _ in found] == ["add_task", "add_task", "open_task"]
    assert added(found) == {*BOTH}
    assert found[-1] == ("open_task", '{"opened": true}')


async def submit(client: ChatClient, asked: Answer) -> Answer:
    """Answer the questions of a thread."""
    [item] = [item for item in asked.items if item["type"] == "structured_input"]
    answers = {"title": {"values": ["Cheese"]}}
    sent = {"thread_id": asked.thread_id, "item_id": item["id"]}
    return await client.send("threads.add_structured_input", **sent, input={"status": "answered", "answers": answers})


@pytest.mark.parametrize("names", [*permutations(["ask_details", *ADDED])])
async def test_user_is_asked_among_other_calls_and_the_answers_are_what_the_model_is_told_last(
    app: App, alice: ChatClient, names: Sequence[str]
) -> None:
    asked = await begun(app, alice, names)
    app.models.say("Noted")
    assert (await submit(alice, asked)).text == "Noted"
    found = told(app)
    assert [name for name, _ in found] == ["add_task", "add_task"]
    assert added(found) == {*BOTH}
    last = app.models.model.last_call
    assert last is not None
    assert "Cheese" in str(last.input[-1])


@pytest.mark.parametrize("names", [*permutations(["ask_details", "open_task", "add_task Milk"])])
async def test_page_and_user_are_asked_at_once_and_no_call_is_told_twice(
    app: App, alice: ChatClient, names: Sequence[str]
) -> None:
    asked = await begun(app, alice, names)
    app.models.say("Opened")
    answer = await alice.send("threads.add_client_tool_output", thread_id=asked.thread_id, result=OPENED)
    assert answer.text == "Opened"
    assert [name for name, _ in told(app)] == ["add_task", "open_task"]


async def test_questions_that_a_message_answers_are_told_and_not_their_call(app: App, alice: ChatClient) -> None:
    asked = await begun(app, alice, ["ask_details"])
    app.models.say("Fine")
    await alice.say(asked.thread_id, "Cheese")
    assert told(app) == []
    assert "- What is to be done?: unanswered" in str(app.models.model.last_call)


async def test_calls_of_turns_before_the_questions_stay_as_they_were(app: App, alice: ChatClient) -> None:
    calls(app, "add_task", title="Milk", due_date=None)
    calls(app, "ask_details", missing=["title"])
    asked = await alice.create("Add milk, and something")
    app.models.say("Noted")
    await submit(alice, asked)
    [(name, result)] = told(app)
    assert (name, "Milk" in result) == ("add_task", True)
    last = app.models.model.last_call
    assert last is not None
    assert "Cheese" in str(last.input[-1])
