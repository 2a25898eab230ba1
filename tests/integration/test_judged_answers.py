"""What an answer says is judged, all of it and once, whatever follows it; what tools did before stays known."""

import asyncio
import io
import json
from typing import Any

import pytest
from agents import GuardrailFunctionOutput, OutputGuardrail
from agents.testing import assistant_message, function_call
from openai.types.responses import ResponseReasoningItem
from openai.types.responses.response_reasoning_item import Summary
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client
from ulid import ULID

from chat_api.toolkit.guardrails import Guardrails
from chat_testing.app import App, application
from chat_testing.approving import decide
from chat_testing.assistant import calls, given, reloaded, tasks_of
from chat_testing.boto_calls import error, recorded
from chat_testing.chat import Answer
from chat_testing.failures import Expected
from chat_testing.models import PausingModels
from chat_testing.moderation import BAD, MODES, Moderated, ModerationEndpoint
from chat_testing.painting import Painting, in_base64, png
from chat_testing.tokens import TokenIssuer
from chatkit_aws.store.objects import Objects

WITHHELD = Expected("guardrail_output", "The answer was withheld.", retry=True)
SAID_BADLY = f"I say {BAD}"
SECRET = "the user's secret"
TASK = {"title": "Buy milk", "due_date": None}
ARGUMENTS: dict[str, dict[str, Any]] = {"add_task": TASK, "ask_details": {"missing": ["title"]}}


def is_withheld(answer: Answer) -> bool:
    last = answer.events[-1]
    return last["type"] == "error" and str(last["message"]).startswith(WITHHELD.text)


def says(app: App, text: str, tool: str, **arguments: Any) -> None:
    """Have the model say something and call a tool at once."""
    call = function_call(tool, arguments, call_id=f"call_{ULID()}", item_id=f"fc_{ULID()}")
    app.models.model.enqueue([assistant_message(text, item_id=f"msg_{ULID()}"), call])


def thinks(*thoughts: str) -> ResponseReasoningItem:
    summary = [Summary(type="summary_text", text=thought) for thought in thoughts]
    return ResponseReasoningItem(id="rs_1", type="reasoning", summary=summary)


async def kinds(app: App, answer: Answer) -> list[str]:
    return [item["type"] for item in await reloaded(app.user("alice"), answer.thread_id)]


@MODES
@pytest.mark.parametrize("tool", ["add_task", "ask_details", "open_task", "delete_task"])
async def test_words_before_a_call_are_judged_before_it_is_carried_out(
    moderated: Moderated, log: io.StringIO, mode: str, tool: str
) -> None:
    app = moderated(moderation_mode=mode)
    task = await tasks_of(app, "alice").add("Call Bob")
    says(app, SAID_BADLY, tool, **ARGUMENTS.get(tool, {"task_id": task.id}))
    answer = await app.user("alice").create("Hi")
    WITHHELD.check(answer, log, SECRET)
    assert await kinds(app, answer) == ["user_message"]
    assert [known.title for known in await tasks_of(app, "alice").all()] == ["Call Bob"]
    app.models.say("Hello")
    assert (await app.user("alice").say(answer.thread_id, "Go on")).text == "Hello"
    assert BAD not in given(app)


@MODES
async def test_each_message_is_judged_once(moderated: Moderated, endpoint: ModerationEndpoint, mode: str) -> None:
    app = moderated(moderation_mode=mode)
    says(app, "I add it", "add_task", **TASK)
    says(app, "I ask you", "ask_details", missing=["title"])
    await app.user("alice").create("Hi")
    assert endpoint.texts == ["Hi", "I add it", "I ask you"]


async def test_withheld_answer_leaves_what_its_tools_did(moderated: Moderated) -> None:
    app = moderated()
    alice = app.user("alice")
    says(app, "I add it", "add_task", **TASK)
    app.models.say(SAID_BADLY)
    answer = await alice.create("Add milk")
    assert is_withheld(answer)
    assert await kinds(app, answer) == ["user_message"]
    app.models.say("It is there")
    assert (await alice.say(answer.thread_id, "And?")).text == "It is there"
    assert "Added: " in given(app)
    assert "I add it" not in given(app)
    assert BAD not in given(app)


async def test_withheld_words_before_a_call_leave_what_was_done_before(moderated: Moderated) -> None:
    app = moderated()
    alice = app.user("alice")
    calls(app, "add_task", **TASK)
    says(app, SAID_BADLY, "add_task", title="Another", due_date=None)
    answer = await alice.create("Add milk")
    assert is_withheld(answer)
    assert [known.title for known in await tasks_of(app, "alice").all()] == ["Buy milk"]
    app.models.say("It is there")
    await alice.say(answer.thread_id, "And?")
    assert given(app).count("Added: ") == 1


async def test_words_after_an_approval_are_judged(moderated: Moderated) -> None:
    app = moderated()
    alice = app.user("alice")
    task = await tasks_of(app, "alice").add("Call Bob")
    calls(app, "delete_task", task_id=task.id)
    asked = await alice.create("Delete it")
    says(app, SAID_BADLY, "list_tasks", open_only=True)
    assert is_withheld(await decide(alice, asked, approved=True))
    assert BAD not in str(await reloaded(alice, asked.thread_id))
    app.models.say("It is")
    assert (await alice.say(asked.thread_id, "Is it gone?")).text == "It is"
    assert "Deleted." in given(app)


@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_image_of_a_withheld_answer_is_taken_back(
    moderated: Moderated, bucket: str, s3: S3Client, size: int
) -> None:
    app = moderated(objects=Objects(bucket, s3), image_generation=True, image_link_minutes=5)
    app.models.model.enqueue(Painting([in_base64(png(size))], text=SAID_BADLY).step)
    answer = await app.user("alice").create("Draw")
    assert is_withheld(answer)
    assert await kinds(app, answer) == ["user_message"]


async def test_draft_that_a_tool_s_agent_writes_is_judged(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated()
    calls(app, "draft_plan", day="2026-12-01", wishes="In English")
    app.models.say(SAID_BADLY)
    app.models.say("There it is")
    answer = await app.user("alice").create("Draft a plan")
    assert is_withheld(answer)
    assert await kinds(app, answer) == ["user_message"]
    assert endpoint.texts == ["Draft a plan", SAID_BADLY]


async def test_thoughts_that_are_shown_are_judged(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated()
    app.models.model.enqueue([thinks("First this", BAD), assistant_message("Done", item_id="msg_1")])
    answer = await app.user("alice").create("Hi")
    assert is_withheld(answer)
    assert await kinds(app, answer) == ["user_message"]
    assert sorted(endpoint.texts) == ["Done", f"First this\n\n{BAD}", "Hi"]


@pytest.mark.parametrize(("text", "left"), [(SAID_BADLY, 1), ("At once", 2)])
async def test_words_of_a_stopped_answer_are_judged(moderated: Moderated, text: str, left: int) -> None:
    models = PausingModels()
    app = moderated(models)
    models.say(text)
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    await sent(app, text)
    await stop(app)
    answer = await answering
    assert is_withheld(answer) == (left == 1)
    assert len(await kinds(app, answer)) == left


async def test_words_of_an_answer_that_fails_are_judged(moderated: Moderated, log: io.StringIO) -> None:
    models = PausingModels()
    app = moderated(models)
    models.say(SAID_BADLY)
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    await sent(app, SAID_BADLY)
    models.model.error = RuntimeError("down")
    models.model.go_on.set()
    answer = await answering
    WITHHELD.check(answer, log, SECRET)
    assert await kinds(app, answer) == ["user_message"]


@pytest.mark.parametrize("verdict", ["in time", "too late"])
async def test_stop_does_not_spare_an_answer_its_verdict(
    moderated: Moderated, endpoint: ModerationEndpoint, verdict: str
) -> None:
    app = moderated(moderation_mode="blocking", moderation_seconds=30)
    app.models.say(SAID_BADLY)
    endpoint.holds = SAID_BADLY
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    async with asyncio.timeout(20):
        while SAID_BADLY not in endpoint.texts:  # noqa: ASYNC110 - nor does the endpoint
            await asyncio.sleep(0.01)
    await stop(app)
    if verdict == "in time":
        await asyncio.sleep(0.4)  # by then it is seen
        endpoint.go_on.set()
    answer = await answering
    assert is_withheld(answer) == (verdict == "in time")
    assert await kinds(app, answer) == ["user_message"]


async def test_answer_goes_with_a_check_that_fails(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer
) -> None:
    def fails(*_: object) -> GuardrailFunctionOutput:
        raise RuntimeError("no verdict")

    app = application(table_name, dynamodb, issuer, guardrails=Guardrails(output=(OutputGuardrail(fails),)))
    async with app.http:
        app.models.say("Hello")
        answer = await app.user("alice").create("Hi")
        assert answer.events[-1]["message"].startswith("Something went wrong.")
        assert await kinds(app, answer) == ["user_message"]


async def test_answer_of_which_something_cannot_be_stored_is_not_kept_without_a_verdict(
    moderated: Moderated, endpoint: ModerationEndpoint, dynamodb: DynamoDBClient
) -> None:
    app = moderated(moderation_seconds=30)
    alice = app.user("alice")
    app.models.say("Hello")
    thread_id = (await alice.create("Hi")).thread_id
    endpoint.go_on.clear()
    app.models.model.enqueue([thinks("First this"), assistant_message("At once", item_id="msg_1")])
    with recorded(dynamodb, "TransactWriteItems", lambda _: None, error("AccessDeniedException")):
        answer = await alice.say(thread_id, f"Tell me {BAD}")
    endpoint.go_on.set()
    assert answer.events[-1]["message"].startswith("The answer could not be stored.")
    assert [item["type"] for item in await reloaded(alice, thread_id)] == [
        "user_message",
        "assistant_message",
        "user_message",
    ]


async def sent(app: App, text: str) -> None:
    """Wait until the page has got a text."""
    async with asyncio.timeout(20):
        while text.encode() not in app.doorway.sent:  # noqa: ASYNC110 - what is sent tells nobody
            await asyncio.sleep(0.01)


async def stop(app: App) -> None:
    """Stop alice's one run."""
    [thread] = (await app.user("alice").send("threads.list", limit=9, order="asc")).json["data"]
    await app.user("alice").post(json.dumps({"thread_id": thread["id"]}).encode(), "/chatkit/stop")
