"""What `make dev` offers without a model's key: a sentence for everything that the assistant does with the page."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any, override

import pytest
from agents import Model
from openai import AsyncOpenAI

from chat_api.server.models.model import Models
from chat_testing import approving
from chat_testing.app import App
from chat_testing.assistant import reloaded, tasks_of
from chat_testing.chat import Answer
from chat_testing.models import ScriptedModels
from chat_testing.spent import Make
from local_cloud import model_server
from local_cloud.model_server import KEY, OfflineModel


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with model_server.running(OfflineModel(delay=0)) as port:
        yield f"http://127.0.0.1:{port}/v1"


class OfflineModels(ScriptedModels):
    """A provider of the offline model, in place of one by script."""

    def __init__(self, client: AsyncOpenAI) -> None:
        super().__init__()
        self._models = Models(client, "offline", seconds=30)

    @override
    def get_model(self, model_name: str | None) -> Model:
        return self._models.get_model(model_name)


@pytest.fixture
async def app(make: Make, address: str) -> AsyncIterator[App]:
    async with AsyncOpenAI(base_url=address, api_key=KEY) as client:
        yield make(OfflineModels(client))


def types(answer: Answer) -> list[str]:
    return [item["type"] for item in answer.items[1:]]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Show my tasks", ["widget", "assistant_message"]),
        ("Show a form for a new task", ["widget", "assistant_message"]),
        ("Draft a plan for today", ["widget", "assistant_message"]),
        ("Plan my week", ["workflow", "assistant_message"]),
        ("Think about it", ["workflow", "assistant_message"]),
        ("Ask me for the details", ["structured_input"]),
        ("Open a task", ["client_tool_call"]),
        ("Delete a task", ["widget"]),
        ("Complete a task", ["assistant_message"]),
        ("Hello", ["assistant_message"]),
    ],
)
async def test_sentence_drives_what_it_names(app: App, sentence: str, expected: list[str]) -> None:
    await tasks_of(app, "alice").add("Call Bob", date(2026, 1, 1))
    alice = app.user("alice")
    answer = await alice.create(sentence)
    assert types(answer) == expected
    assert await reloaded(alice, answer.thread_id) == answer.items
    assert answer.of_type("error") == []


async def test_task_is_completed_by_a_sentence(app: App) -> None:
    await tasks_of(app, "alice").add("Call Bob")
    assert "Changed" in (await app.user("alice").create("Complete a task")).text


@pytest.mark.parametrize(("approved", "said"), [(True, "Deleted."), (False, "did not allow this")])
async def test_task_is_deleted_by_a_sentence_once_it_is_allowed(app: App, approved: bool, said: str) -> None:
    await tasks_of(app, "alice").add("Call Bob")
    alice = app.user("alice")
    asked = await alice.create("Delete a task")
    assert len(await tasks_of(app, "alice").all()) == 1
    decided = await approving.decide(alice, asked, approved=approved)
    assert said in decided.text
    assert len(await tasks_of(app, "alice").all()) == (0 if approved else 1)
    assert (await reloaded(alice, asked.thread_id))[-1] == decided.items[-1]


async def test_overdue_tasks_are_noticed(app: App) -> None:
    await tasks_of(app, "alice").add("Call Bob", date(2026, 1, 1))
    [notice] = (await app.user("alice").create("Show my tasks")).of_type("notice")
    assert (notice["level"], notice["message"]) == ("warning", "Overdue tasks: 1")
    assert (await app.user("bob").create("Show my tasks")).of_type("notice") == []


@pytest.mark.parametrize(
    ("sentence", "request_type", "answer"),
    [
        ("Open a task", "threads.add_client_tool_output", {"result": {"opened": True}}),
        ("Ask me for the details", "threads.add_structured_input", {"input": {"answers": {}}}),
    ],
)
async def test_answer_goes_on_where_it_waited(
    app: App, sentence: str, request_type: str, answer: dict[str, Any]
) -> None:
    await tasks_of(app, "alice").add("Call Bob")
    alice = app.user("alice")
    asked = await alice.create(sentence)
    item = {"item_id": asked.items[-1]["id"]} if "input" in answer else {}
    assert "(offline model)" in (await alice.send(request_type, thread_id=asked.thread_id, **item, **answer)).text
