"""An item keeps the id and the time of its first event."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

from agents.models.fake_id import FAKE_RESPONSES_ID
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    HiddenContextItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from chat_api.server.events.sighting import Sightings


def message(item_id: str, second: int) -> AssistantMessageItem:
    when = datetime(2026, 1, 1, 0, 0, second)  # noqa: DTZ001  naive, as the SDK needs
    return AssistantMessageItem(id=item_id, thread_id="t", created_at=when, content=[])


def delta(item_id: str) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(
        item_id=item_id, update=AssistantMessageContentPartTextDelta(content_index=0, delta="a")
    )


def id_in(event: ThreadStreamEvent) -> str:
    if isinstance(event, ThreadItemAddedEvent | ThreadItemDoneEvent):
        return event.item.id
    assert isinstance(event, ThreadItemUpdatedEvent)
    return event.item_id


def kept(*events: ThreadStreamEvent) -> list[ThreadStreamEvent]:
    numbers = count(1)

    async def stream() -> AsyncIterator[ThreadStreamEvent]:
        for event in events:
            yield event

    async def scenario() -> list[ThreadStreamEvent]:
        return [event async for event in Sightings(lambda _kind: f"new{next(numbers)}").keep(stream())]

    return asyncio.run(scenario())


def test_done_item_keeps_the_time_of_its_added_event() -> None:
    added, done = kept(ThreadItemAddedEvent(item=message("m", 1)), ThreadItemDoneEvent(item=message("m", 9)))
    assert isinstance(added, ThreadItemAddedEvent)
    assert isinstance(done, ThreadItemDoneEvent)
    assert done.item.created_at == added.item.created_at == message("m", 1).created_at


def test_ids_that_are_not_unique_are_replaced_the_same_way_in_every_event_of_an_item() -> None:
    added, done = ThreadItemAddedEvent, ThreadItemDoneEvent
    events = kept(
        added(item=message(FAKE_RESPONSES_ID, 1)),
        delta(FAKE_RESPONSES_ID),
        done(item=message(FAKE_RESPONSES_ID, 2)),
        added(item=message(FAKE_RESPONSES_ID, 3)),
        delta(FAKE_RESPONSES_ID),
        done(item=message(FAKE_RESPONSES_ID, 4)),
    )
    ids = [id_in(event) for event in events]
    assert ids == ["new1", "new1", "new1", "new2", "new2", "new2"]


def test_id_of_the_store_is_left_alone() -> None:
    when = datetime(2026, 1, 1)  # noqa: DTZ001  naive, as the SDK needs
    hidden = HiddenContextItem(id="shcx_1", thread_id="t", created_at=when, content="note")
    (done,) = kept(ThreadItemDoneEvent(item=hidden))
    assert id_in(done) == "shcx_1"


def test_removed_item_is_the_one_that_was_shown() -> None:
    shown, removed = kept(
        ThreadItemAddedEvent(item=message("", 1)),
        ThreadItemRemovedEvent(item_id=""),
    )
    assert isinstance(shown, ThreadItemAddedEvent)
    assert isinstance(removed, ThreadItemRemovedEvent)
    assert removed.item_id == shown.item.id == "new1"


def test_other_events_pass_unchanged() -> None:
    progress = ProgressUpdateEvent(text="working")
    assert kept(progress)[0] is progress


def test_guardrail_takes_back_every_item_that_had_the_models_id() -> None:
    events = kept(
        *(ThreadItemDoneEvent(item=message(FAKE_RESPONSES_ID, second)) for second in (1, 2)),
        ThreadItemRemovedEvent(item_id=FAKE_RESPONSES_ID),
        ThreadItemRemovedEvent(item_id="wid_of_the_store"),
    )
    removed = [event.item_id for event in events if isinstance(event, ThreadItemRemovedEvent)]
    assert removed == ["new1", "new2", "wid_of_the_store"]


def test_calls_of_client_tools_have_ids_of_their_own() -> None:
    when = datetime(2026, 1, 1)  # noqa: DTZ001  naive, as the SDK needs
    fields = {"thread_id": "t", "created_at": when, "name": "look", "arguments": {}}
    call = ClientToolCallItem(id=FAKE_RESPONSES_ID, call_id="call_1", **fields)
    first, second = kept(ThreadItemDoneEvent(item=call), ThreadItemDoneEvent(item=call))
    assert isinstance(first, ThreadItemDoneEvent)
    assert isinstance(second, ThreadItemDoneEvent)
    assert isinstance(first.item, ClientToolCallItem)
    assert isinstance(second.item, ClientToolCallItem)
    assert len({first.item.id, second.item.id, FAKE_RESPONSES_ID}) == 3
    assert len({first.item.call_id, second.item.call_id, "call_1"}) == 3
