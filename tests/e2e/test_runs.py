"""A run is stopped and followed through the front doors of the deployed stack."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest

from chat_api.web.claims import HEADER
from chat_testing.chat import message, request
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.model_server import Control
from local_cloud.users import Tokens

WORDS = 3
CREATE = json.dumps(request("threads.create", input=message("Count to ten thousand"))).encode()


@pytest.fixture
async def slow(deployment: Deployment) -> AsyncIterator[None]:
    """The model says a few words and waits."""
    deployment.model.control(Control(hold=True, release=WORDS))
    yield
    deployment.model.control(Control(hold=False, release=1_000))


async def until_model_is_asked(deployment: Deployment, before: int) -> None:
    while len(deployment.model.requests) == before:  # noqa: ASYNC110 - another thread serves the model
        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("slow")
async def test_stop_ends_the_answer_and_keeps_what_was_said(
    door: FrontDoor, other_door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    run, before = uuid.uuid4().hex, len(deployment.model.requests)
    turn = asyncio.create_task(door.client(alice.access).post(CREATE, **{HEADER: run}))
    await until_model_is_asked(deployment, before)
    stopped = await other_door.client(alice.access).post(json.dumps({"run": run}).encode(), path="/chatkit/stop")
    assert stopped.status == 202
    answer = await turn
    assert answer.headers[HEADER] == run
    assert answer.events[-1] == {"type": "notice", "level": "info", "message": "The answer was stopped."}
    kept = await door.client(alice.access).items(answer.thread_id)
    assert [item["type"] for item in kept] in (["user_message"], ["user_message", "assistant_message"])


@pytest.mark.usefixtures("slow")
async def test_same_request_through_both_doors_is_one_run(
    door: FrontDoor, other_door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    before = len(deployment.model.requests)
    turn = asyncio.create_task(door.client(alice.access).post(CREATE))
    await until_model_is_asked(deployment, before)
    again = asyncio.create_task(other_door.client(alice.access).post(CREATE))
    await asyncio.sleep(1)
    deployment.model.control(Control(hold=False, release=1_000))
    first, second = await asyncio.gather(turn, again)
    assert second.body == first.body
    assert len(deployment.model.requests) == before + 1
