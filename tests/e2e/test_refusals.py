"""Who is refused at both front doors: by the gateway's authorizer, by the function at its own URL."""

from typing import Any

import pytest

from chat_testing.chat import Answer
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud import users
from local_cloud.users import Tokens, User


@pytest.fixture(scope="session")
def without_scope(deployment: Deployment, alice: Tokens) -> str:
    """Alice's access token for nothing but her own profile."""
    return users.sign_in(deployment.stack, User("alice@example.com"), "openid").access


async def test_request_without_a_token_is_refused(door: FrontDoor) -> None:
    assert (await door.client(None).create()).status == 401


@pytest.mark.parametrize("token", ["not.a.token", "e30.e30.e30"])
async def test_bad_token_is_refused(door: FrontDoor, token: str) -> None:
    assert (await door.client(token).create()).status == 401


async def test_token_with_another_signature_is_refused(door: FrontDoor, alice: Tokens, bob: Tokens) -> None:
    forged = ".".join([*alice.access.split(".")[:2], bob.access.split(".")[2]])
    assert (await door.client(forged).create()).status == 401


async def test_id_token_is_refused(door: FrontDoor, alice: Tokens) -> None:
    assert (await door.client(alice.identity).create()).status == 401


async def test_token_without_the_scope_is_refused(door: FrontDoor, without_scope: str) -> None:
    assert (await door.client(without_scope).create()).status in {401, 403}


async def test_another_user_s_thread_is_like_one_that_never_was(door: FrontDoor, alice: Tokens, bob: Tokens) -> None:
    owner, stranger = door.client(alice.access), door.client(bob.access)
    created = await owner.create("A secret")
    before = await owner.items(created.thread_id)
    for operation, params in _attempts(created.thread_id, created.items[0]["id"]):
        answer = await stranger.send(operation, **params)
        never = {**params, "thread_id": "thr_00000000000000000000000000"}
        assert _outcome(answer) == _outcome(await stranger.send(operation, **never)), operation
        assert b"secret" not in answer.body
    assert await owner.items(created.thread_id) == before
    listed = (await stranger.send("threads.list")).json["data"]
    assert created.thread_id not in [thread["id"] for thread in listed]


async def test_health_and_preflight_need_no_token(door: FrontDoor) -> None:
    assert (await door.http.get("/health")).json() == {"status": "ok"}
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "authorization,content-type"}
    answer = await door.http.options("/chatkit", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"


def _attempts(thread_id: str, item_id: str) -> list[tuple[str, dict[str, Any]]]:
    thread = {"thread_id": thread_id}
    content = {"content": [{"type": "input_text", "text": "Let me in"}], "attachments": [], "inference_options": {}}
    return [
        ("threads.get_by_id", thread),
        ("items.list", thread),
        ("threads.update", {**thread, "title": "Taken"}),
        ("threads.add_user_message", {**thread, "input": content}),
        ("threads.retry_after_item", {**thread, "item_id": item_id}),
        ("threads.delete", thread),
    ]


def _outcome(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Status and body, without what differs between any two answers."""
    body: dict[str, Any] = answer.json
    return answer.status, {name: value for name, value in body.items() if name != "request_id"}
