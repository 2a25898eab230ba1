"""Nothing of an answer is in the thread before its verdict; what was there before stays until then."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast, override

import pytest
from agents.items import TResponseStreamEvent
from agents.testing import assistant_message
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.runs import keeper
from chat_testing.app import App
from chat_testing.assistant import calls, given
from chat_testing.boto_calls import Answer as BotoAnswer
from chat_testing.boto_calls import error, recorded
from chat_testing.chat import Answer, ChatClient
from chat_testing.deadlines import ending_in
from chat_testing.models import PausingModel, PausingModels
from chat_testing.moderation import BAD, MODES, Moderated, ModerationEndpoint
from chatkit_aws.store import keys

SAID_BADLY = f"I say {BAD}"


async def until_asked_of(endpoint: ModerationEndpoint, text: str) -> None:
    """Wait until the verdict on a text is asked for, and what might not wait for it has been stored."""
    async with asyncio.timeout(20):
        while text not in endpoint.texts:  # noqa: ASYNC110 - nor does the endpoint
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.4)


async def texts(user: ChatClient, thread_id: str) -> list[str]:
    return [item["content"][0]["text"] for item in await user.items(thread_id)]


async def retry(user: ChatClient, thread_id: str) -> Answer:
    """Retry the first question of a thread."""
    question = (await user.items(thread_id))[0]
    return await user.send("threads.retry_after_item", thread_id=thread_id, item_id=question["id"])


async def stop(user: ChatClient, thread_id: str) -> None:
    await user.post(json.dumps({"thread_id": thread_id}).encode(), "/chatkit/stop")


async def talked(app: App) -> str:
    """A thread with two questions and their answers."""
    app.models.say("Old answer")
    thread_id = (await app.user("alice").create("What now?")).thread_id
    app.models.say("Later answer")
    await app.user("alice").say(thread_id, "And then?")
    return thread_id


OLD = ["What now?", "Old answer", "And then?", "Later answer"]


async def test_message_is_stored_when_its_verdict_is_there(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    thread_id = await talked(app)
    app.models.say("New answer")
    endpoint.holds = "New answer"
    answering = asyncio.create_task(alice.say(thread_id, "Hi"))
    await until_asked_of(endpoint, "New answer")
    assert b"New answer" in app.doorway.sent
    assert await texts(alice, thread_id) == [*OLD, "Hi"]
    endpoint.go_on.set()
    assert (await answering).text == "New answer"
    assert await texts(alice, thread_id) == [*OLD, "Hi", "New answer"]


async def test_first_message_waits_for_its_verdict_beside_a_second(
    moderated: Moderated, endpoint: ModerationEndpoint
) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    thread_id = await talked(app)
    both = [assistant_message(SAID_BADLY, item_id="msg_1"), assistant_message("Second", item_id="msg_2")]
    app.models.model.enqueue(both)
    endpoint.holds = SAID_BADLY
    answering = asyncio.create_task(alice.say(thread_id, "Hi"))
    await until_asked_of(endpoint, SAID_BADLY)
    assert await texts(alice, thread_id) == [*OLD, "Hi"]
    endpoint.go_on.set()
    assert (await answering).events[-1]["type"] == "error"
    assert await texts(alice, thread_id) == [*OLD, "Hi"]


async def test_answer_to_a_question_without_a_verdict_is_not_stored(
    moderated: Moderated, endpoint: ModerationEndpoint
) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    thread_id = await talked(app)
    app.models.say("At once")
    endpoint.holds = f"Tell me {BAD}"
    answering = asyncio.create_task(alice.say(thread_id, f"Tell me {BAD}"))
    await until_asked_of(endpoint, f"Tell me {BAD}")
    assert await texts(alice, thread_id) == [*OLD, f"Tell me {BAD}"]
    endpoint.go_on.set()
    await answering
    assert await texts(alice, thread_id) == OLD


async def test_refused_words_are_not_stored_where_they_cannot_be_removed(
    moderated: Moderated, dynamodb: DynamoDBClient
) -> None:
    models = PausingModels()
    app = moderated(models)
    models.say(SAID_BADLY)
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    async with asyncio.timeout(20):
        while SAID_BADLY.encode() not in app.doorway.sent:  # noqa: ASYNC110 - what is sent tells nobody
            await asyncio.sleep(0.01)
    removals: list[AWSPreparedRequest] = []

    def refuse(request: AWSPreparedRequest) -> AWSResponse | None:
        if b"msg_" not in cast("bytes", request.body):
            return None
        removals.append(request)
        return error("AccessDeniedException")(request)

    with recorded(dynamodb, "GetItem", *[cast("BotoAnswer", refuse)] * 9):
        models.model.error = RuntimeError("down")
        models.model.go_on.set()
        answer = await answering
    assert removals
    assert await texts(app.user("alice"), answer.thread_id) == ["Hi"]


async def test_run_that_has_lost_its_thread_leaves_nothing_that_was_not_judged(
    moderated: Moderated, endpoint: ModerationEndpoint, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.0)
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    thread_id = await talked(app)
    app.models.say(SAID_BADLY)
    endpoint.holds = SAID_BADLY
    answering = asyncio.create_task(alice.say(thread_id, "Hi"))
    await until_asked_of(endpoint, SAID_BADLY)
    for row in dynamodb.scan(TableName=app.table_name, ConsistentRead=True)["Items"]:
        if row["sk"]["S"].startswith(keys.RUN):
            dynamodb.delete_item(TableName=app.table_name, Key={"pk": row["pk"], "sk": row["sk"]})
    answer = await answering
    assert answer.events[-1]["type"] == "error"
    assert await texts(alice, thread_id) == [*OLD, "Hi"]


@MODES
@pytest.mark.parametrize("ends", ["stopped", "deadline"])
async def test_retry_that_ends_before_the_verdict_leaves_the_thread_as_it_was(
    moderated: Moderated, endpoint: ModerationEndpoint, mode: str, ends: str
) -> None:
    app = moderated(moderation_seconds=30, moderation_mode=mode)
    alice = app.user("alice")
    thread_id = await talked(app)
    endpoint.go_on.clear()
    endpoint.asked.clear()
    app.models.say("New")
    with ending_in(1 if ends == "deadline" else 60):
        retrying = asyncio.create_task(retry(alice, thread_id))
        await asyncio.wait_for(endpoint.asked.wait(), 20)
    if ends == "stopped":
        await stop(alice, thread_id)
    retried = await retrying
    assert await texts(alice, thread_id) == OLD
    if ends == "deadline":
        assert retried.events[-1]["allow_retry"]
        endpoint.go_on.set()
        app.models.model.enqueue([assistant_message("Newer", item_id="msg_9")])
        assert (await retry(alice, thread_id)).of_type("thread.item.done")


@pytest.mark.parametrize("verdict", ["withheld", "none"])
async def test_retry_without_a_new_answer_keeps_the_old(
    moderated: Moderated, endpoint: ModerationEndpoint, verdict: str
) -> None:
    app = moderated(moderation_seconds=30 if verdict == "withheld" else 1)
    alice = app.user("alice")
    thread_id = await talked(app)
    app.models.say(SAID_BADLY)
    endpoint.holds = SAID_BADLY
    retrying = asyncio.create_task(retry(alice, thread_id))
    await until_asked_of(endpoint, SAID_BADLY)
    if verdict == "withheld":
        endpoint.go_on.set()
    assert (await retrying).events[-1]["type"] == "error"
    assert await texts(alice, thread_id) == OLD


async def test_retry_that_is_stopped_in_its_words_leaves_them_in_place_of_the_old(moderated: Moderated) -> None:
    models = PausingModels()
    models.model.go_on.set()
    app = moderated(models)
    alice = app.user("alice")
    thread_id = await talked(app)
    models.model.go_on.clear()
    models.model.said.clear()
    models.say("New answer")
    retrying = asyncio.create_task(retry(alice, thread_id))
    await asyncio.wait_for(models.model.said.wait(), 20)
    await stop(alice, thread_id)
    await retrying
    assert await texts(alice, thread_id) == ["What now?", "New answer"]


class SlowToEnd(PausingModel):
    """Takes its time to end when it is cut short."""

    @override
    async def stream_response(self, *args: Any, **options: Any) -> AsyncIterator[TResponseStreamEvent]:
        try:
            async for event in super().stream_response(*args, **options):
                yield event
        finally:
            await asyncio.shield(asyncio.sleep(1.6))


async def test_stop_of_a_model_that_is_slow_to_end_does_not_spare_its_words_a_verdict(
    moderated: Moderated, endpoint: ModerationEndpoint
) -> None:
    models = PausingModels()
    models.model = SlowToEnd()
    app = moderated(models, moderation_seconds=30)
    alice = app.user("alice")
    models.model.go_on.set()
    thread_id = await talked(app)
    models.model.go_on.clear()
    models.model.said.clear()
    models.say(SAID_BADLY)
    endpoint.holds = SAID_BADLY
    answering = asyncio.create_task(alice.say(thread_id, "Hi"))
    await asyncio.wait_for(models.model.said.wait(), 20)
    await stop(alice, thread_id)
    await answering
    assert await texts(alice, thread_id) == [*OLD, "Hi"]


async def test_no_retry_is_offered_of_a_question_that_the_deadline_took_back(
    moderated: Moderated, endpoint: ModerationEndpoint
) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    thread_id = await talked(app)
    endpoint.go_on.clear()
    app.models.say("New")
    with ending_in(1):
        answer = await alice.say(thread_id, "Hi")
    assert answer.events[-1]["message"].startswith("The answer took too long. Reference")
    assert not answer.events[-1]["allow_retry"]
    assert await texts(alice, thread_id) == OLD


async def test_answers_that_the_deadline_took_back_can_be_sent_until_they_are_answered(
    moderated: Moderated, endpoint: ModerationEndpoint
) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    calls(app, "ask_details", missing=["title"])
    asking = await alice.create("Add a task")

    async def submit() -> Answer:
        [item] = [item for item in await alice.items(asking.thread_id) if item["type"] == "structured_input"]
        submission = {"status": "answered", "answers": {"title": {"values": ["Milk"]}}}
        sent = {"thread_id": asking.thread_id, "item_id": item["id"], "input": submission}
        return await alice.send("threads.add_structured_input", **sent)

    endpoint.go_on.clear()
    app.models.say("Noted")
    with ending_in(1):
        await submit()
    endpoint.go_on.set()
    calls(app, "list_tasks", open_only=True)
    app.models.model.enqueue(RuntimeError("down"))
    assert (await submit()).events[-1]["allow_retry"]
    app.models.say("Noted now")
    assert (await submit()).text == "Noted now"
    assert "Milk" in given(app)
