"""Requests that cannot begin at once: what they wait for, and what they are told."""

import asyncio
import json
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.web.claims import HEADER
from chat_testing.boto_calls import error, recorded
from chat_testing.chat import Answer, message, request
from chat_testing.models import PausingModels
from chat_testing.spent import Make

FIRST, SECOND = "The first answer", "The second answer"


def body(request_type: str, **params: Any) -> bytes:
    return json.dumps(request(request_type, **params)).encode()


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@pytest.mark.parametrize("kind", ["threads.create", "threads.add_user_message", "threads.retry_after_item"])
async def test_same_request_right_after_a_stop_is_a_new_turn(make: Make, kind: str, *, named: bool) -> None:
    models = PausingModels()
    app, elsewhere = make(models), make()
    alice, again = app.user("alice"), elsewhere.user("alice")
    models.model.go_on.set()
    models.say("Hi")
    created = await alice.create()
    params: dict[str, Any] = {"thread_id": created.thread_id} if kind != "threads.create" else {}
    params |= {"item_id": created.items[0]["id"]} if "retry" in kind else {"input": message("Tell me more")}
    sent = body(kind, **params)
    names = [{HEADER: f"the-run-of-a-page-{number}"} if named else {} for number in range(2)]
    models.model.go_on.clear()
    models.say(FIRST)
    first = asyncio.create_task(alice.post(sent, **names[0]))
    async with asyncio.timeout(30):
        while FIRST.encode() not in app.doorway.sent:  # noqa: ASYNC110 - it is the application that sends
            await asyncio.sleep(0.02)
    thread = (await again.send("threads.list", order="desc", limit=1)).json["data"][0]["id"]
    assert (await again.post(json.dumps({"thread_id": thread}).encode(), path="/chatkit/stop")).status == 202
    elsewhere.models.say(SECOND)
    assert (await again.post(sent, **names[1])).text == SECOND
    assert (await first).events[-1]["type"] == "notice"


async def test_equal_requests_of_which_none_may_begin_are_all_told_that_they_were_not_answered(make: Make) -> None:
    settings = {"tokens_per_day": 1_000, "reserved_tokens": 1_000}
    app, elsewhere = make(**settings), make(**settings)
    app.models.say("Hi")
    thread_id = (await app.user("alice").create()).thread_id
    sent = body("threads.add_user_message", thread_id=thread_id, input=message("More"))
    clients = [app.user("alice"), elsewhere.user("alice")] * 3
    answers: list[Answer] = await asyncio.gather(*(client.post(sent) for client in clients))
    told = {answer.events[-1]["message"].partition(" Trying")[0] for answer in answers}
    limit = "You have reached the limit for today. It starts anew at midnight UTC."
    assert limit in told
    assert told <= {limit, "This was not answered."}
    assert len(await app.user("alice").items(thread_id)) == 2


async def test_refusal_is_told_although_the_thread_cannot_be_given_back(make: Make, dynamodb: DynamoDBClient) -> None:
    app = make(tokens_per_day=1_000, reserved_tokens=1_000)
    app.models.say("Hi")
    alice = app.user("alice")
    thread_id = (await alice.create()).thread_id

    def refuse(asked: Any) -> Any:
        return error("AccessDeniedException")(asked) if b"SET ended" in asked.body else None

    with recorded(dynamodb, "UpdateItem", *[refuse] * 20):
        answer = await alice.say(thread_id, "More")
    assert answer.events[-1]["message"].startswith("You have reached the limit for today.")
