"""Times say on the wire that they are UTC; nothing else changes."""

import json
from datetime import UTC, datetime
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadCreatedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)
from pydantic import BaseModel

from chat_api.wire import in_utc

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_000)  # noqa: DTZ001  naive, as the SDK needs
ITEM = AssistantMessageItem(
    id="m1",
    thread_id="t1",
    created_at=WHEN,
    content=[AssistantMessageContent(text='"created_at":"2026-01-02T03:04:05"', annotations=[])],
)
THREAD = Thread(id="t1", created_at=WHEN, items=Page(data=[ITEM]))
WRITTEN = "2026-01-02T03:04:05.678000Z"


def written(model: BaseModel) -> Any:
    return json.loads(in_utc(model).model_dump_json())


def test_time_of_an_item_in_an_event_ends_in_z() -> None:
    assert written(ThreadItemDoneEvent(item=ITEM))["item"]["created_at"] == WRITTEN


def test_time_of_a_thread_and_of_its_items_ends_in_z() -> None:
    thread = written(ThreadCreatedEvent(thread=THREAD))["thread"]
    assert (thread["created_at"], thread["items"]["data"][0]["created_at"]) == (WRITTEN, WRITTEN)


def test_time_in_a_page_and_in_an_action_s_answer_ends_in_z() -> None:
    assert written(Page(data=[THREAD]))["data"][0]["created_at"] == WRITTEN
    assert written(SyncCustomActionResponse(updated_item=ITEM))["updated_item"]["created_at"] == WRITTEN


def test_text_that_looks_like_a_time_is_left_alone() -> None:
    assert written(ThreadItemDoneEvent(item=ITEM))["item"]["content"][0]["text"] == '"created_at":"2026-01-02T03:04:05"'


def test_original_keeps_its_naive_time() -> None:
    in_utc(ThreadCreatedEvent(thread=THREAD))
    assert (THREAD.created_at, ITEM.created_at) == (WHEN, WHEN)


def test_time_with_a_zone_is_left_alone() -> None:
    aware = ITEM.model_copy(update={"created_at": WHEN.replace(tzinfo=UTC)})
    assert in_utc(aware).created_at == aware.created_at


def test_event_without_a_time_is_not_copied() -> None:
    delta = AssistantMessageContentPartTextDelta(content_index=0, delta="a")
    event = ThreadItemUpdatedEvent(item_id="m1", update=delta)
    assert in_utc(event) is event
