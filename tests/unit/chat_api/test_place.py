"""Calls of tools have their place in the thread where the first was done, before what has to come last."""

from datetime import datetime, timedelta

from chatkit.types import (
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)

from chat_api.server.memory.place import Place
from chat_testing.builders import after, assistant_message, workflow_item

MOMENT = timedelta(microseconds=1)


def question(seconds: float) -> ThreadStreamEvent:
    asked = [StructuredInputFreeform(id="title", question="Which?")]
    created = datetime.fromisoformat("2020-01-01") + timedelta(seconds=seconds)
    return ThreadItemDoneEvent(
        item=StructuredInputItem(id="si_1", thread_id="thr_1", created_at=created, inputs=asked, status="pending")
    )


def placed(*events: ThreadStreamEvent) -> datetime:
    """Where a call is placed after these events."""
    place = Place()
    place.note_call()
    for event in events:
        place.note(event)
    return place.take()


OLD = datetime.fromisoformat("2020-01-01")
WORKFLOW = workflow_item(created_at=OLD)


def test_place_is_that_of_the_first_call_and_the_next_one_s_that_of_the_next() -> None:
    place = Place()
    began = datetime.now()  # noqa: DTZ005 - the SDK's is naive
    place.note_call()
    between = datetime.now()  # noqa: DTZ005
    place.note_call()
    assert began <= place.take() <= between
    then = datetime.now()  # noqa: DTZ005
    place.note_call()
    assert place.take() >= then


def test_place_is_before_a_workflow_that_is_open() -> None:
    assert placed(ThreadItemAddedEvent(item=WORKFLOW)) == OLD - MOMENT


def test_place_is_not_before_a_workflow_that_is_over() -> None:
    assert placed(ThreadItemAddedEvent(item=WORKFLOW), ThreadItemDoneEvent(item=WORKFLOW)) > OLD


def test_place_is_before_the_first_of_the_questions() -> None:
    assert placed(question(0), question(5)) == OLD - MOMENT


def test_place_is_not_before_questions_that_a_message_followed() -> None:
    assert placed(question(0), ThreadItemDoneEvent(item=assistant_message(created_at=after(0)))) > OLD


def test_place_is_before_all_that_has_to_come_last() -> None:
    assert placed(question(-5), ThreadItemAddedEvent(item=WORKFLOW)) == OLD - timedelta(seconds=5) - MOMENT
