"""What is refused, with which status, and that it changes nothing."""

import json
from typing import Any

import pytest

from chat_testing.app import App
from chat_testing.chat import ChatClient, message, request


async def test_request_without_a_token_is_401_with_a_challenge(app: App) -> None:
    answer = await app.client(token=None).send("threads.list")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "Bearer not.a.token", "Bearer  a b"])
async def test_header_without_a_valid_token_is_401(app: App, header: str) -> None:
    anonymous = app.client(token=None)
    body = json.dumps(request("threads.list")).encode()
    assert (await anonymous.post(body, Authorization=header)).status == 401


async def test_token_without_the_scope_is_403(app: App) -> None:
    answer = await app.client(token=app.issuer.mint(sub="alice", scope="openid")).send("threads.list")
    assert answer.status == 403


async def test_who_may_not_is_told_nothing_about_the_body(app: App) -> None:
    assert (await app.client(token=None).post(b"{")).status == 401


async def test_problem_names_the_request_that_the_header_names(alice: ChatClient) -> None:
    answer = await alice.send("threads.get_by_id", thread_id="thr_unknown")
    assert answer.status == 404
    assert answer.json["status"] == 404
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_body_that_is_not_json_by_its_type_is_415(alice: ChatClient, media_type: str) -> None:
    body = json.dumps(request("threads.list")).encode()
    assert (await alice.post(body, **{"Content-Type": media_type})).status == 415


async def test_json_with_a_charset_is_taken(alice: ChatClient) -> None:
    body = json.dumps(request("threads.list")).encode()
    assert (await alice.post(body, **{"Content-Type": "Application/JSON; charset=utf-8"})).status == 200


BAD: dict[str, tuple[bytes, int]] = {
    "truncated": (json.dumps(request("threads.create", input=message("x"))).encode()[:-9], 400),
    "not an object": (b"[1, 2]", 400),
    "not utf-8": (b'{"type": "\xff"}', 400),
    "unknown type": (json.dumps(request("threads.explode")).encode(), 422),
    "wrong type of a field": (json.dumps(request("threads.create", input=7)).encode(), 422),
    "negative limit": (json.dumps(request("threads.list", limit=-1)).encode(), 422),
    "huge limit": (json.dumps(request("threads.list", limit=10**12)).encode(), 422),
    "unknown after": (json.dumps(request("threads.list", after="thr_unknown")).encode(), 404),
    "message of 1 MB": (json.dumps(request("threads.create", input=message("x" * 2**20))).encode(), 413),
    "message over the limit": (json.dumps(request("threads.create", input=message("x" * 5000))).encode(), 422),
    "body of 7 MB": (b'{"type": "' + b"x" * 7 * 2**20, 413),
    "lone surrogate": (b'{"type": "threads.create", "params": {"input": "\\ud83d"}}', 400),
    "NUL": (json.dumps(request("threads.create", input=message("a\0b"))).encode(), 400),
    "unknown attachment": (json.dumps(request("threads.create", input=message("x", attachments=["a"]))).encode(), 404),
    "attachments": (json.dumps(request("attachments.create", name="a", size=1, mime_type="b/c")).encode(), 422),
    "dictation": (json.dumps(request("input.transcribe", audio_base64="", mime_type="audio/webm")).encode(), 422),
    "audio that is not base64": (
        json.dumps(request("input.transcribe", audio_base64="a", mime_type="audio/webm")).encode(),
        422,
    ),
}


@pytest.mark.parametrize(("body", "status"), BAD.values(), ids=BAD.keys())
async def test_bad_input_is_a_clear_4xx_and_changes_nothing(
    app: App, alice: ChatClient, body: bytes, status: int
) -> None:
    before = app.rows()
    answer = await alice.post(body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["detail"]
    assert app.rows() == before


@pytest.mark.parametrize(
    ("request_type", "params", "status"),
    [
        ("threads.add_client_tool_output", {"result": {}}, 422),
        ("threads.add_structured_input", {"item_id": "USER_MESSAGE", "input": {}}, 422),
        ("threads.retry_after_item", {"item_id": "ASSISTANT_MESSAGE"}, 422),
        ("threads.sync_custom_action", {"action": {"type": "a", "payload": {}}}, 422),
        ("threads.sync_custom_action", {"item_id": "USER_MESSAGE", "action": {"type": "a", "payload": {}}}, 422),
        ("items.list", {"after": "msg_unknown"}, 404),
    ],
)
async def test_operation_that_the_thread_s_state_forbids_is_refused_before_the_stream(
    app: App, alice: ChatClient, request_type: str, params: dict[str, Any], status: int
) -> None:
    app.models.say("Hello")
    created = await alice.create()
    places = {"USER_MESSAGE": created.items[0]["id"], "ASSISTANT_MESSAGE": created.items[1]["id"]}
    filled = {name: places.get(value, value) if isinstance(value, str) else value for name, value in params.items()}
    before = app.rows()
    answer = await alice.send(request_type, thread_id=created.thread_id, **filled)
    assert answer.status == status
    assert app.rows() == before


async def test_unknown_action_is_said_in_the_stream(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    thread_id = (await alice.create()).thread_id
    answer = await alice.send("threads.custom_action", thread_id=thread_id, action={"type": "a", "payload": {}})
    assert answer.status == 200
    assert answer.events[-1]["message"] == "This assistant does not know that action."


async def test_unknown_path_and_wrong_method_are_problems(app: App) -> None:
    assert (await app.http.get("/nowhere")).json()["status"] == 404
    assert (await app.http.get("/chatkit")).json()["status"] == 405


async def test_health_needs_no_token(app: App) -> None:
    answer = await app.http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
