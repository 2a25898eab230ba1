"""A thread's life through both front doors of the deployed stack."""

from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.users import Tokens


async def test_created_thread_is_answered_in_events_and_kept(door: FrontDoor, alice: Tokens) -> None:
    client = door.client(alice.access)
    answer = await client.create("Good morning")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.events[0]["type"] == "thread.created"
    assert answer.text == "You said: Good morning (offline model)"
    assert await client.items(answer.thread_id) == answer.items


async def test_tool_is_called_and_its_result_reaches_the_user(
    door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    before = len(deployment.model.requests)
    answer = await door.client(alice.access).create("What time is it in Europe/Berlin?")
    assert [event["text"] for event in answer.of_type("progress_update")] == ["Looking at the clock in Europe/Berlin"]
    assert answer.text.startswith("The tool says: ")
    assert "(CE" in answer.text
    assert len(deployment.model.requests) == before + 2


async def test_thread_goes_on_through_the_other_door(
    door: FrontDoor, other_door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    thread_id = (await door.client(alice.access).create("One")).thread_id
    continued = await other_door.client(alice.access).say(thread_id, "Two")
    assert continued.text == "You said: Two (offline model)"
    assert "You said: One" in str(deployment.model.requests[-1].input)
    kinds = [item["type"] for item in await door.client(alice.access).items(thread_id)]
    assert kinds == ["user_message", "assistant_message"] * 2


async def test_thread_is_listed_first_and_read_by_its_id(door: FrontDoor, alice: Tokens) -> None:
    client = door.client(alice.access)
    thread_id = (await client.create()).thread_id
    listed = (await client.send("threads.list", limit=1, order="desc")).json["data"]
    assert [thread["id"] for thread in listed] == [thread_id]
    read = (await client.send("threads.get_by_id", thread_id=thread_id)).json
    assert read["id"] == thread_id
    assert len(read["items"]["data"]) == 2


async def test_thread_is_renamed(door: FrontDoor, alice: Tokens) -> None:
    client = door.client(alice.access)
    thread_id = (await client.create()).thread_id
    assert (await client.send("threads.update", thread_id=thread_id, title="Renamed")).status == 200
    assert (await client.send("threads.get_by_id", thread_id=thread_id)).json["title"] == "Renamed"


async def test_answer_is_tried_again(door: FrontDoor, alice: Tokens) -> None:
    client = door.client(alice.access)
    created = await client.create("Again")
    asked, answered = created.items
    retried = await client.send("threads.retry_after_item", thread_id=created.thread_id, item_id=asked["id"])
    assert retried.text == "You said: Again (offline model)"
    kept = [item["id"] for item in await client.items(created.thread_id)]
    assert kept == [asked["id"], retried.items[-1]["id"]]
    assert answered["id"] not in kept


async def test_deleted_thread_is_gone(door: FrontDoor, alice: Tokens) -> None:
    client = door.client(alice.access)
    thread_id = (await client.create()).thread_id
    assert (await client.send("threads.delete", thread_id=thread_id)).status == 200
    assert (await client.send("threads.get_by_id", thread_id=thread_id)).status == 404
    assert (await client.say(thread_id, "Anyone?")).status == 404
