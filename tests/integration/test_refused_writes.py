"""Whichever item the store refuses, what tools did is told once, and no button is left that nobody answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.app import App
from chat_testing.approving import asked, decide, is_open, kept, shown, texts
from chat_testing.assistant import calls, tasks_of
from chat_testing.boto_calls import error
from chat_testing.chat import ChatClient

ALLOWED = "You allowed this."
DECLINED = "You did not allow this."
BROKEN = "You allowed this, but the answer broke off: it may not have been done."


@contextmanager
def refusing(dynamodb: DynamoDBClient, first: int, *, last: int | None = None) -> Iterator[None]:
    """Refuse to write items from the first on to the last, which is the same where none is said."""
    event, refused, count = "before-send.dynamodb.TransactWriteItems", range(first, (last or first) + 1), [0]

    def handle(request: Any, **_: Any) -> Any:
        count[0] += b"ITM#" in request.body
        return error("AccessDeniedException")(request) if b"ITM#" in request.body and count[0] in refused else None

    dynamodb.meta.events.register(event, handle)
    try:
        yield
    finally:
        dynamodb.meta.events.unregister(event, handle)
    assert count[0] >= first


async def told_next(app: App, client: ChatClient, thread_id: str) -> list[tuple[str, str]]:
    """The calls that the model is told of with the next message, and their results."""
    app.models.say("I see.")
    assert (await client.say(thread_id, "Is it done?")).text
    last = app.models.model.last_call
    assert last is not None
    given = [dict(item) for item in last.input]
    results = {str(item["call_id"]): str(item["output"]) for item in given if "output" in item}
    asked_for = [item for item in given if item.get("type") == "function_call"]
    assert len(asked_for) == len(results)
    return [(str(item["name"]), results[str(item["call_id"])]) for item in asked_for]


async def test_calls_whose_item_is_refused_are_kept_when_the_answer_ends(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient
) -> None:
    calls(app, "add_task", title="Milk", due_date=None)
    app.models.say("Added it.")
    with refusing(dynamodb, 2):
        answer = await alice.create("Add milk")
    assert answer.events[-1]["type"] == "error"
    [(name, result)] = await told_next(app, alice, answer.thread_id)
    assert (name, "Milk" in result) == ("add_task", True)


async def test_widget_that_is_refused_after_a_call_leaves_the_call_and_nothing_that_runs(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient
) -> None:
    """asyncio would complain of what runs on, and the test would fail."""
    calls(app, "add_task", title="Milk", due_date=None)
    calls(app, "show_tasks")
    with refusing(dynamodb, 2):
        answer = await alice.create("Add milk and show my tasks")
    assert [call["name"] for content in await kept(app, answer.thread_id) for call in content["calls"]] == ["add_task"]


@pytest.mark.parametrize("number", [2, 3, 4, 5])
@pytest.mark.parametrize("approved", [True, False])
async def test_decision_is_told_once_and_shown_whatever_else_is_refused(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient, number: int, approved: bool
) -> None:
    """The widget, the calls, the message, the last word of the decision."""
    answer = await asked(app)
    app.models.say("As you wish.")
    with refusing(dynamodb, number):
        await decide(alice, answer, approved=approved)
    widget = await shown(alice, answer.thread_id)
    assert (is_open(widget), texts(widget)[-1] in ({ALLOWED, BROKEN} if approved else {DECLINED})) == (False, True)
    [(name, result)] = await told_next(app, alice, answer.thread_id)
    is_done = await tasks_of(app, "alice").all() == []
    assert (name, result == "Deleted.") == ("delete_task", is_done)


@pytest.mark.parametrize(("approved", "outcome"), [(True, BROKEN), (False, DECLINED)])
async def test_decision_of_which_nothing_more_could_be_written_is_shown_with_the_next_message(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient, approved: bool, outcome: str
) -> None:
    answer = await asked(app)
    with refusing(dynamodb, 2, last=100):
        await decide(alice, answer, approved=approved)
    assert is_open(await shown(alice, answer.thread_id))
    [(name, _)] = await told_next(app, alice, answer.thread_id)
    assert name == "delete_task"
    assert texts(await shown(alice, answer.thread_id))[-1] == outcome
