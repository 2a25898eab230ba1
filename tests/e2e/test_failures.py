"""A model that fails, as a user of the deployed stack is told."""

import json
from collections.abc import AsyncIterator

import pytest

from chat_testing.chat import message, request
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.model_server import Control
from local_cloud.users import Tokens


@pytest.fixture
async def failing(deployment: Deployment) -> AsyncIterator[None]:
    """The model refuses every request."""
    deployment.model.control(Control(status=429))
    yield
    deployment.model.control(Control(status=200))


@pytest.mark.usefixtures("failing")
async def test_user_is_told_in_their_language_and_a_retry_keeps_the_question(
    door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    client = door.client(alice.access)
    sent = json.dumps(request("threads.create", input=message("Hallo"))).encode()
    answer = await client.post(sent, **{"Accept-Language": "de-AT, en;q=0.5"})
    told = answer.events[-1]
    assert (told["type"], told["allow_retry"]) == ("error", True)
    assert told["message"].startswith("Das Modell ist")
    assert answer.headers["x-request-id"] in told["message"]
    assert [item["type"] for item in await client.items(answer.thread_id)] == ["user_message"]
    deployment.model.control(Control(status=200))
    params = {"thread_id": answer.thread_id, "item_id": answer.items[0]["id"]}
    assert "You said: Hallo" in (await client.send("threads.retry_after_item", **params)).text
    kept = await client.items(answer.thread_id)
    assert [item["type"] for item in kept] == ["user_message", "assistant_message"]
