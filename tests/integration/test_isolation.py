"""Nobody reads or changes what is another's, nor learns that it exists."""

import json
from typing import Any

from chat_testing.app import App
from chat_testing.chat import Answer, ChatClient, message

USERS = 50


def attempts(thread_id: str, item_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Every operation that names a thread or an item."""
    thread, both = {"thread_id": thread_id}, {"thread_id": thread_id, "item_id": item_id}
    action = {"action": {"type": "a", "payload": {}}}
    return [
        ("threads.get_by_id", thread),
        ("threads.update", {**thread, "title": "Taken"}),
        ("threads.delete", thread),
        ("threads.add_user_message", {**thread, "input": message("Let me in")}),
        ("threads.add_client_tool_output", {**thread, "result": "Let me in"}),
        ("threads.add_structured_input", {**both, "input": {}}),
        ("threads.retry_after_item", both),
        ("threads.custom_action", {**both, **action}),
        ("threads.custom_action", {**thread, **action}),
        ("threads.sync_custom_action", {**both, **action}),
        ("items.list", thread),
        ("items.list", {**thread, "after": item_id}),
        ("items.feedback", {**thread, "item_ids": [item_id], "kind": "negative"}),
        ("threads.list", {"after": thread_id}),
        ("threads.create", {"input": message("Let me in", attachments=[item_id])}),
        ("attachments.delete", {"attachment_id": item_id}),
    ]


def outcome(answer: Answer) -> tuple[int, str]:
    """Status and body, without what differs between any two answers."""
    body = answer.json
    body.pop("request_id", None)
    return answer.status, json.dumps(body, sort_keys=True)


async def test_50_users_get_the_same_answers_for_others_ids_as_for_ids_that_never_existed(app: App) -> None:
    owned: list[tuple[ChatClient, Answer]] = []
    for number in range(USERS):
        user = app.user(f"user-{number}")
        app.models.say(f"The secret of user {number}")
        owned.append((user, await user.create(f"A secret of user {number}")))
    before = app.rows()
    for number, (user, _) in enumerate(owned):
        _, foreign = owned[(number + 1) % USERS]
        real = attempts(foreign.thread_id, foreign.items[1]["id"])
        never = attempts("thr_never", "msg_never")
        for (operation, params), (_, unknown) in zip(real, never, strict=True):
            answer = await user.send(operation, **params)
            assert outcome(answer) == outcome(await user.send(operation, **unknown)), operation
            assert b"secret" not in answer.body
    assert app.rows() == before
    assert app.models.model.remaining_steps == 0


async def test_user_of_the_same_name_in_another_tenant_is_another_user(app: App) -> None:
    app.models.say("Hello")
    thread_id = (await app.user("alice", tenant="one").create()).thread_id
    other = app.user("alice", tenant="two")
    assert (await other.send("threads.get_by_id", thread_id=thread_id)).status == 404
    assert (await other.send("threads.list")).json["data"] == []


async def test_list_shows_own_threads_only(app: App) -> None:
    app.models.say("Hello")
    await app.user("alice").create()
    assert (await app.user("bob").send("threads.list")).json["data"] == []
