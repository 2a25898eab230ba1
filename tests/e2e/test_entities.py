"""Entities through both front doors of the deployed stack: found, looked at, named; those of others are not there."""

import uuid
from typing import Any
from urllib.parse import urlencode

from chat_testing.chat import ChatClient
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.users import Tokens


def address(path: str) -> str:
    """Below the endpoint."""
    return f"/chatkit/entities{path}"


async def add(client: ChatClient, title: str) -> None:
    """Have a task by the form that the assistant shows."""
    asked = await client.create("The form, please")
    [form] = [item["id"] for item in asked.items if item["type"] == "widget"]
    action = {"type": "task.save", "payload": {"title": title}}
    saved = await client.send("threads.custom_action", thread_id=asked.thread_id, item_id=form, action=action)
    assert saved.of_type("error") == []


async def found(client: ChatClient, query: str) -> list[dict[str, Any]]:
    answer = await client.get(address(f"?{urlencode({'query': query})}"))
    assert answer.status == 200
    assert answer.headers["cache-control"] == "private, no-store"
    entities: list[dict[str, Any]] = answer.json["entities"]
    return entities


def naming(entity_id: str) -> dict[str, Any]:
    tag = {"type": "input_tag", "id": entity_id, "text": "plants", "data": {}}
    content = [{"type": "input_text", "text": "Tell me of "}, tag]
    return {"content": content, "attachments": [], "inference_options": {}}


async def test_entity_is_found_looked_at_and_named_by_its_user_alone(
    door: FrontDoor, other_door: FrontDoor, alice: Tokens, bob: Tokens, deployment: Deployment
) -> None:
    word, client, other = uuid.uuid4().hex, door.client(alice.access), door.client(bob.access)
    title = f"A task for the größe & plants {word}"
    await add(client, title)
    [entity] = await found(client, f"{word} GRÖSSE &")
    assert (entity["title"], entity["group"]) == (title, "Tasks")
    assert await found(other_door.client(alice.access), word) == [entity]
    preview = address(f"/{entity['id']}/preview")
    assert (await client.get(preview)).json["preview"]["children"][0]["value"] == title
    answer = await client.send("threads.create", input=naming(entity["id"]))
    assert answer.text == "You said: Tell me of @plants (offline model)"
    assert word in str(deployment.model.requests[-1].input)

    assert await found(other, word) == []
    assert (await other.get(preview)).status == 404
    await other.send("threads.create", input=naming(entity["id"]))
    assert word not in str(deployment.model.requests[-1].input)
    assert "no longer there" in str(deployment.model.requests[-1].input)


async def test_entities_ask_for_a_token_and_answer_a_preflight(door: FrontDoor) -> None:
    path = address("")
    assert (await door.client(None).get(path)).status == 401
    asked = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    assert (await door.http.options(path, headers=asked)).status_code == 200
