"""What the example assistant does with the page, through the deployed stack: a reload shows what was streamed."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from chat_testing import approving, deployed_variables
from chat_testing.assistant import reloaded
from chat_testing.chat import Answer, ChatClient
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.ministack import Cloud
from local_cloud.users import Tokens

OPENED = {"opened": True}
ANSWERED = {"status": "answered", "answers": {"title": {"values": ["Water the plants"]}}}


async def go_on(client: ChatClient, asked: Answer, sentence: str) -> Answer | None:
    """What the page or the user answers where the sentence had them asked; None where it asks nothing."""
    place = {"thread_id": asked.thread_id}
    match sentence:
        case "Open a task":
            return await client.send("threads.add_client_tool_output", **place, result=OPENED)
        case "Ask me for the details":
            item = asked.items[-1]["id"]
            return await client.send("threads.add_structured_input", **place, item_id=item, input=ANSWERED)
        case "Delete a task":
            return await approving.decide(client, asked, approved=True)
    return None


def left(items: list[dict[str, Any]]) -> list[object]:
    """What became of what was asked."""
    statuses = [item["status"] for item in items if "status" in item]
    widgets = [item["widget"] for item in items if item["type"] == "widget"]
    return [*statuses, *("You allowed this." in str(widget) for widget in widgets)]


@pytest.mark.parametrize("door", ["function-url"], indirect=True)
@pytest.mark.parametrize(
    ("sentence", "expected", "after"),
    [
        ("Show my tasks", ["widget", "assistant_message"], []),
        ("Show a form for a new task", ["widget", "assistant_message"], []),
        ("Draft a plan for today", ["widget", "assistant_message"], []),
        ("Plan my week", ["workflow", "assistant_message"], []),
        ("Think about it", ["workflow", "assistant_message"], []),
        ("Ask me for the details", ["structured_input"], ["answered"]),
        ("Open a task", ["client_tool_call"], ["completed"]),
        ("Switch the theme", ["assistant_message"], []),
        ("Delete a task", ["widget"], [True]),
    ],
)
async def test_thread_shows_after_a_reload_what_was_streamed(
    door: FrontDoor, alice: Tokens, sentence: str, expected: list[str], after: list[object]
) -> None:
    client = door.client(alice.access)
    await client.create("Add a task")
    answer = await client.create(sentence)
    assert answer.of_type("error") == []
    assert [item["type"] for item in answer.items[1:]] == expected
    assert await reloaded(client, answer.thread_id) == answer.items
    went_on = await go_on(client, answer, sentence)
    if went_on is not None:
        assert "(offline model)" in went_on.text
        items = await reloaded(client, answer.thread_id)
        assert [item["id"] for item in items] == [item["id"] for item in answer.items + went_on.items]
        assert (left(items), items[-1]) == (after, went_on.items[-1])


@pytest.fixture
def painting(deployment: Deployment) -> Iterator[None]:
    """The stack where the model may make images, which it does not by default."""
    with deployed_variables.changed(deployment.stack, IMAGE_GENERATION="true"):
        yield


def without_signatures(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items with the links to their images as they are before they are signed, which is done anew each time."""
    shown = []
    for item in items:
        image = item.get("image")
        link = urlsplit(image["url"])._replace(query="").geturl() if image else None
        shown.append({**item, "image": {**image, "url": link}} if image else item)
    return shown


async def loaded(link: str, cloud: Cloud) -> httpx2.Response:
    """What a browser gets for a link, whose host is the one by which the function knows the cloud, in its container."""
    there, here = urlsplit(link), urlsplit(cloud.endpoint)
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.get(there._replace(netloc=here.netloc).geturl(), headers={"Host": there.netloc})


@pytest.mark.usefixtures("painting")
@pytest.mark.parametrize("door", ["function-url"], indirect=True)
async def test_image_that_the_model_made_is_there_after_a_reload(
    deployment: Deployment, door: FrontDoor, alice: Tokens
) -> None:
    client = door.client(alice.access)
    answer = await client.create("Draw a dot")
    assert answer.of_type("error") == []
    assert [item["type"] for item in answer.items] == ["user_message", "generated_image", "assistant_message"]
    items = await client.items(answer.thread_id)
    assert without_signatures(items) == without_signatures(answer.items)
    seen = await loaded(items[1]["image"]["url"], deployment.stack.cloud)
    assert (seen.status_code, seen.headers["content-type"], seen.content[1:4]) == (200, "image/png", b"PNG")
