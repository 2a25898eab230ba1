"""Who sends a run's name again means the same run, whatever came after it; a refused one leaves no trace."""

import json
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.web.claims import HEADER
from chat_testing.boto_calls import recorded
from chat_testing.chat import ChatClient, message, request
from chat_testing.spent import Make
from chatkit_aws.store import keys

RUN = "the-run-of-a-page-1"
RESUME = "/chatkit/resume"


def body(request_type: str, **params: Any) -> bytes:
    return json.dumps(request(request_type, **params)).encode()


async def texts(client: ChatClient, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await client.items(thread_id)]


@pytest.mark.parametrize("events", ["kept", "gone", "off"])
async def test_name_again_after_another_run_is_the_same_answer(
    make: Make, events: str, table_name: str, dynamodb: DynamoDBClient
) -> None:
    app = make(run_event_minutes=0 if events == "off" else 15)
    alice = app.user("alice")
    for text in ("Hi", "One", "Two"):
        app.models.say(text)
    thread_id = (await alice.create()).thread_id
    sent = body("threads.add_user_message", thread_id=thread_id, input=message("First"))
    first = await alice.post(sent, **{HEADER: RUN})
    await alice.say(thread_id, "Second")
    if events == "gone":
        for row in dynamodb.scan(TableName=table_name)["Items"]:
            if row["sk"]["S"].startswith(keys.EVENT):
                dynamodb.delete_item(TableName=table_name, Key={name: row[name] for name in ("pk", "sk")})
    with recorded(dynamodb, "UpdateItem") as calls:
        again = await alice.post(sent, **{HEADER: RUN})
    assert len(calls.operations) == 2  # the lease is taken, and given back
    assert again.headers[HEADER] == RUN
    if events == "kept":
        assert again.body == first.body
    else:
        [told] = again.events
        assert (told["message"], told["allow_retry"]) == ("This is being answered. Reload to see the answer.", False)
    assert await texts(alice, thread_id) == ["Hello", "Hi", "First", "One", "Second", "Two"]


async def test_name_again_after_another_run_and_the_deletion_of_the_thread_is_refused(make: Make) -> None:
    app = make()
    alice = app.user("alice")
    for text in ("Hi", "One", "Two"):
        app.models.say(text)
    thread_id = (await alice.create()).thread_id
    sent = body("threads.add_user_message", thread_id=thread_id, input=message("First"))
    await alice.post(sent, **{HEADER: RUN})
    await alice.say(thread_id, "Second")
    await alice.send("threads.delete", thread_id=thread_id)
    assert (await alice.post(sent, **{HEADER: RUN})).status == 404


async def test_same_name_of_another_user_is_another_run(make: Make) -> None:
    app = make()
    alice, bob = app.user("alice"), app.user("bob")
    for text in ("For Alice", "More for Alice", "For Bob"):
        app.models.say(text)
    sent = body("threads.create", input=message("Hello"))
    thread_id = (await alice.post(sent, **{HEADER: RUN})).thread_id
    await alice.say(thread_id, "More")
    assert (await bob.post(sent, **{HEADER: RUN})).text == "For Bob"
    assert (await alice.post(sent, **{HEADER: RUN})).text == "For Alice"


async def test_refused_run_leaves_the_one_before_it_to_be_repeated_and_resumed(make: Make) -> None:
    app = make()
    alice = app.user("alice")
    for text in ("Hi", "One"):
        app.models.say(text)
    thread_id = (await alice.create()).thread_id
    sent = body("threads.add_user_message", thread_id=thread_id, input=message("First"))
    first = await alice.post(sent, **{HEADER: RUN})
    refused = await alice.send("threads.retry_after_item", thread_id=thread_id, item_id="msg_none")
    assert refused.status == 404
    resumed = await alice.post(json.dumps({"thread_id": thread_id}).encode(), path=RESUME)
    again = await alice.post(sent, **{HEADER: RUN})
    assert resumed.body == again.body == first.body
    assert await texts(alice, thread_id) == ["Hello", "Hi", "First", "One"]


async def test_name_of_another_request_is_refused_also_after_a_third_one(make: Make) -> None:
    app = make()
    alice = app.user("alice")
    for text in ("Hi", "One", "Two"):
        app.models.say(text)
    thread_id = (await alice.create()).thread_id
    first, other = (body("threads.add_user_message", thread_id=thread_id, input=message(t)) for t in ("1", "2"))
    await alice.post(first, **{HEADER: RUN})
    await alice.say(thread_id, "Second")
    assert (await alice.post(other, **{HEADER: RUN})).status == 409
    assert len(await texts(alice, thread_id)) == 6
