"""What the page is asked to do: the call, what it answers, and what becomes of a call that it never answers."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from agents.testing import function_call

from chat_api.assistant.tasks import ListedTask
from chat_api.bounds import MAX_TOOL_OUTPUT
from chat_testing.app import App
from chat_testing.assistant import UNKNOWN, ask, calls, given, reloaded, tasks_of, told
from chat_testing.chat import Answer, ChatClient

OPENED = {"opened": True}


@dataclass
class Asked:
    """A thread in which the page was asked to open a task."""

    app: App
    user: ChatClient
    task: ListedTask
    answer: Answer

    @property
    def thread_id(self) -> str:
        """The thread's id."""
        return self.answer.thread_id

    @property
    def call(self) -> dict[str, Any]:
        """The call as the page gets it."""
        [item] = [item for item in self.answer.items if item["type"] == "client_tool_call"]
        return item

    async def output(self, result: Any, user: ChatClient | None = None) -> Answer:
        """The page answers."""
        return await (user or self.user).send("threads.add_client_tool_output", thread_id=self.thread_id, result=result)


@pytest.fixture
async def asked(app: App, alice: ChatClient) -> Asked:
    task = await tasks_of(app, "alice").add("Call Bob", date(2026, 12, 1))
    calls(app, "open_task", task_id=task.id)
    return Asked(app, alice, task, await alice.create("Open the task"))


async def test_page_is_asked_and_the_model_waits(asked: Asked) -> None:
    arguments = {"task_id": asked.task.id, "title": "Call Bob", "due": "2026-12-01", "done": False}
    assert (asked.call["name"], asked.call["arguments"], asked.call["status"]) == ("open_task", arguments, "pending")
    assert await reloaded(asked.user, asked.thread_id) == asked.answer.items
    assert len(asked.app.models.model.calls) == 1


async def test_answer_of_the_page_is_stored_and_the_turn_goes_on(asked: Asked) -> None:
    asked.app.models.say("It is open")
    answer = await asked.output(OPENED)
    assert answer.text == "It is open"
    call, _ = (await reloaded(asked.user, asked.thread_id))[1:]
    assert call == {**asked.call, "status": "completed", "output": OPENED}
    assert json.dumps(OPENED) in given(asked.app)


async def test_page_that_could_not_is_heard_too(asked: Asked) -> None:
    asked.app.models.say("It could not be opened")
    await asked.output({"error": "There is no such place"})
    assert "There is no such place" in given(asked.app)


async def test_call_that_was_never_answered_is_left_out_of_what_the_model_is_given(asked: Asked) -> None:
    asked.app.models.say("Hello again")
    answer = await asked.user.say(asked.thread_id, "I closed the page. Hello?")
    assert answer.text == "Hello again"
    assert "function_call" not in given(asked.app)
    late = await asked.output(OPENED)
    assert late.status == 422
    assert [item["type"] for item in await reloaded(asked.user, asked.thread_id)] == [
        "user_message",
        "client_tool_call",
        "user_message",
        "assistant_message",
    ]


async def test_page_may_be_asked_again_and_only_the_newest_call_is_answered(asked: Asked) -> None:
    calls(asked.app, "open_task", task_id=asked.task.id)
    await asked.user.say(asked.thread_id, "Open it now")
    asked.app.models.say("It is open")
    assert (await asked.output(OPENED)).text == "It is open"
    found = [item for item in await reloaded(asked.user, asked.thread_id) if item["type"] == "client_tool_call"]
    assert [item["status"] for item in found] == ["completed"]


async def test_more_than_one_call_at_once_asks_for_one(app: App, alice: ChatClient) -> None:
    tasks = [await tasks_of(app, "alice").add(title) for title in ("Call Bob", "Call Ann")]
    app.models.model.enqueue(
        [
            function_call("open_task", {"task_id": task.id}, call_id=f"call_{n}", item_id=f"fc_{n}")
            for n, task in enumerate(tasks)
        ]
    )
    answer = await alice.create("Open both")
    assert [item["type"] for item in answer.items] == ["user_message", "client_tool_call"]
    app.models.say("One is open")
    output = await alice.send("threads.add_client_tool_output", thread_id=answer.thread_id, result=OPENED)
    assert output.text == "One is open"


async def test_task_that_there_is_not_reaches_no_page_and_the_model_is_told(app: App, alice: ChatClient) -> None:
    answer = await ask(app, alice, "open_task", task_id=UNKNOWN)
    assert told(app) == "Nothing was done: there is no task with this id. list_tasks tells the ids."
    assert [item["type"] for item in answer.items] == ["user_message", "assistant_message"]


async def test_other_user_s_task_is_as_one_that_never_was(asked: Asked) -> None:
    bob = asked.app.user("bob")
    answer = await ask(asked.app, bob, "open_task", task_id=asked.task.id)
    assert "there is no task with this id" in told(asked.app)
    assert b"Call Bob" not in answer.body


async def test_other_user_cannot_answer(asked: Asked) -> None:
    answer = await asked.output(OPENED, asked.app.user("bob"))
    assert answer.status == 404
    assert await reloaded(asked.user, asked.thread_id) == asked.answer.items


@pytest.mark.parametrize("result", ["x" * MAX_TOOL_OUTPUT, {"all": ["é"] * MAX_TOOL_OUTPUT}], ids=["text", "list"])
async def test_output_that_is_too_large_is_refused_and_a_smaller_one_taken(asked: Asked, result: Any) -> None:
    assert (await asked.output(result)).status == 413
    assert await reloaded(asked.user, asked.thread_id) == asked.answer.items
    asked.app.models.say("Thanks")
    assert (await asked.output("x" * (MAX_TOOL_OUTPUT - 2))).text == "Thanks"


async def test_output_with_a_number_that_could_not_be_kept_is_refused_and_another_one_taken(asked: Asked) -> None:
    params = f'{{"thread_id": "{asked.thread_id}", "result": {{"n": 1e999}}}}'
    refused = await asked.user.post(f'{{"type": "threads.add_client_tool_output", "params": {params}}}'.encode())
    assert (refused.status, refused.json["detail"]) == (400, "The body holds a number that is too large.")
    assert await reloaded(asked.user, asked.thread_id) == asked.answer.items
    asked.app.models.say("Thanks")
    assert (await asked.output({"n": 1e300})).text == "Thanks"
    [call] = [item for item in await reloaded(asked.user, asked.thread_id) if item["type"] == "client_tool_call"]
    assert call["output"] == {"n": 1e300}
