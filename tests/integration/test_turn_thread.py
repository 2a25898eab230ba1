"""A turn is of one thread: what is done meanwhile to the thread, and what the assistant does to its object."""

import io
import json
from collections.abc import AsyncIterator

import pytest
from chatkit.errors import CustomStreamError
from chatkit.types import (
    LockedStatus,
    ProgressUpdateEvent,
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.calls import ActionCall
from chat_testing.builders import assistant_message
from chat_testing.chat import Answer, ChatClient, request
from chat_testing.spent import Make
from chatkit_aws.rights import Account, DataRights, Storage


async def act(client: ChatClient, thread_id: str) -> Answer:
    return await client.send("threads.custom_action", thread_id=thread_id, action={"type": "go", "payload": {}})


async def test_change_of_the_thread_tells_the_title_that_the_user_gave_meanwhile(make: Make) -> None:
    async def lock(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        await call.store.rename_thread(call.thread.id, "Mine", call.context)
        call.thread.status = LockedStatus(reason="Enough")
        yield ProgressUpdateEvent(text="Locking")

    app = make(actions={"go": lock})
    app.models.say("Hi")
    alice = app.user("alice")
    [updated] = (await act(alice, (await alice.create()).thread_id)).of_type("thread.updated")
    assert (updated["thread"]["title"], updated["thread"]["status"]["type"]) == ("Mine", "locked")


async def test_what_a_turn_says_is_of_its_thread_whatever_the_assistant_makes_of_it(make: Make) -> None:
    other = ""

    async def stray(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        call.thread.id = other
        yield ThreadItemDoneEvent(item=assistant_message("Strayed", id="msg_s", thread_id=other))

    app = make(actions={"go": stray})
    for text in ("Hi", "Ho"):
        app.models.say(text)
    alice = app.user("alice")
    thread_id, other = (await alice.create()).thread_id, (await alice.create()).thread_id
    answer = await act(alice, thread_id)
    [done] = answer.of_type("thread.item.done")
    assert done["item"]["thread_id"] == thread_id
    assert {event["thread"]["id"] for event in answer.of_type("thread.updated")} <= {thread_id}
    assert "msg_s" in [item["id"] for item in await alice.items(thread_id)]
    assert len(await alice.items(other)) == 2


async def test_retry_under_legal_hold_is_refused_before_the_model_is_asked(
    make: Make, table_name: str, dynamodb: DynamoDBClient
) -> None:
    app = make()
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    question = (await alice.items(thread_id))[0]["id"]
    rights = DataRights(Storage.of(table_name, dynamodb), "operator-1")
    await rights.place_hold(Account("default", "alice"), "ticket 7")
    refused = await alice.send("threads.retry_after_item", thread_id=thread_id, item_id=question)
    assert (refused.status, len(app.models.model.calls)) == (423, 1)
    await rights.lift_hold(Account("default", "alice"), "ticket 7")
    app.models.say("Again")
    assert (await alice.send("threads.retry_after_item", thread_id=thread_id, item_id=question)).text == "Again"


@pytest.mark.parametrize("error", [CustomStreamError("This goes too far.", allow_retry=False), RuntimeError("no")])
async def test_change_of_the_thread_is_stored_although_an_error_follows(make: Make, error: Exception) -> None:
    async def lock(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        yield ProgressUpdateEvent(text="Locking")
        call.thread.status = LockedStatus(reason="Enough")
        raise error

    app = make(actions={"go": lock})
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    answer = await act(alice, thread_id)
    assert [event["type"] for event in answer.events[-2:]] == ["thread.updated", "error"]
    assert (await alice.say(thread_id, "More")).events[-1]["message"] == "Enough"


async def test_sync_action_in_a_locked_thread_is_refused_with_the_reason(make: Make, log: io.StringIO) -> None:
    async def lock(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        call.thread.status = LockedStatus()
        yield ProgressUpdateEvent(text="Locking")

    async def at_once(_call: ActionCall) -> SyncCustomActionResponse:
        raise AssertionError

    app = make(actions={"go": lock}, actions_at_once={"at once": at_once})
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id
    await act(alice, thread_id)
    sent = request("threads.sync_custom_action", thread_id=thread_id, action={"type": "at once", "payload": {}})
    answer = await alice.post(json.dumps(sent).encode(), **{"accept-language": "de"})
    assert (answer.status, answer.json["detail"]) == (422, "Diese Unterhaltung ist gesperrt.")
    assert "ERROR" not in log.getvalue()
