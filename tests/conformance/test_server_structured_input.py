"""Questions of the assistant's and the user's answers to them, on the DynamoDB store."""

from typing import Any

import pytest
from chatkit.types import (
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItemDoneEvent,
    ThreadMetadata,
    UserMessageItem,
)

from chat_testing.scripted_server import OWNER, Event, Events, ScriptedServer, now, said, types_of
from chatkit_aws.store import DynamoDBStore

OPTIONS = [StructuredInputMultipleChoiceOption(value=value) for value in ("red", "blue")]


def questions(thread: ThreadMetadata) -> StructuredInputItem:
    inputs = [
        StructuredInputMultipleChoice(id="one", question="Which?", options=OPTIONS),
        StructuredInputMultipleChoice(id="many", question="Which ones?", options=OPTIONS, multiple=True),
        StructuredInputFreeform(id="free", question="Why?"),
    ]
    return StructuredInputItem(id="si_1", thread_id=thread.id, created_at=now(), inputs=inputs)


async def asks(thread: ThreadMetadata, message: UserMessageItem | None, *_: object) -> Events:
    """Ask, and after the answer both thank and send the question again as it was, as a run that goes on does."""
    item = questions(thread)
    yield ThreadItemDoneEvent(item=item) if message else said(thread, "Thank you", "msg_a")
    if message is None:
        yield ThreadItemDoneEvent(item=item)


async def submit(
    server: ScriptedServer, thread_id: str, answers: dict[str, Any], status: str = "answered"
) -> list[Event]:
    submission = {"status": status, "answers": answers}
    params: dict[str, Any] = {"thread_id": thread_id, "item_id": "si_1", "input": submission}
    return await server.stream("threads.add_structured_input", **params)


async def stored_answers(store: DynamoDBStore, thread_id: str) -> dict[str, Any]:
    item = await store.load_item(thread_id, "si_1", OWNER)
    assert isinstance(item, StructuredInputItem)
    return {question.id: question.answer and question.answer.model_dump() for question in item.inputs} | {
        "status": item.status
    }


def given(*values: str) -> dict[str, Any]:
    return {"values": list(values), "skipped": False}


SKIPPED = {"values": [], "skipped": True}


@pytest.mark.parametrize(
    ("answers", "stored"),
    [
        (
            {"one": given("green"), "many": given("red", "blue"), "free": given("So")},
            {"one": given("green"), "many": given("red", "blue"), "free": given("So")},
        ),
        ({"one": given("red")}, {"one": given("red"), "many": SKIPPED, "free": SKIPPED}),
        ({"one": given("red", "blue")}, {"one": given("red"), "many": SKIPPED, "free": SKIPPED}),
        ({"other": given("x"), "free": given("So")}, {"one": SKIPPED, "many": SKIPPED, "free": given("So")}),
        ({"one": {"values": ["red"], "skipped": True}}, {"one": SKIPPED, "many": SKIPPED, "free": SKIPPED}),
    ],
    ids=["own words", "some left out", "too many values", "unknown question", "one skipped"],
)
async def test_answers_are_kept_and_the_turn_goes_on(
    store: DynamoDBStore, answers: dict[str, Any], stored: dict[str, Any]
) -> None:
    server = ScriptedServer(store, asks)
    thread_id, _ = await server.create()
    events = await submit(server, thread_id, answers)
    assert types_of(events)[:3] == ["stream_options", "thread.item.replaced", "thread.item.done"]
    assert events[1]["item"]["status"] == "answered"
    assert await stored_answers(store, thread_id) == {**stored, "status": "answered"}
    assert len(await server.items(thread_id)) == 3


async def test_skipped_form_keeps_no_answer(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, asks)
    thread_id, _ = await server.create()
    await submit(server, thread_id, {"one": given("red")}, status="skipped")
    expected = {"one": SKIPPED, "many": SKIPPED, "free": SKIPPED, "status": "skipped"}
    assert await stored_answers(store, thread_id) == expected


async def test_second_submission_is_refused(store: DynamoDBStore) -> None:
    server = ScriptedServer(store, asks)
    thread_id, _ = await server.create()
    await submit(server, thread_id, {"one": given("red")})
    with pytest.raises(ValueError, match="is not pending"):
        await submit(server, thread_id, {"one": given("blue")})
    assert (await stored_answers(store, thread_id))["one"] == given("red")


async def test_answer_to_something_else_is_refused(store: DynamoDBStore) -> None:
    async def respond(thread: ThreadMetadata, *_: object) -> Events:
        yield said(thread, "No question", "si_1")

    server = ScriptedServer(store, respond)
    thread_id, _ = await server.create()
    with pytest.raises(ValueError, match="is not a StructuredInputItem"):
        await submit(server, thread_id, {})
