"""Moderation of what is asked and answered, through the real client and the whole server."""

import asyncio
import io
import json

import pytest
from agents.testing import function_call
from starlette.responses import JSONResponse

from chat_api.assistant.tasks import Tasks
from chat_api.toolkit.moderation import PART_CHARACTERS
from chat_testing.builders import context
from chat_testing.chat import Answer, message, request
from chat_testing.chat_completions import CLOSE
from chat_testing.failures import Expected
from chat_testing.models import PausingModels
from chat_testing.moderation import BAD, MODES, Moderated, ModerationEndpoint
from chatkit_aws.store import DynamoDBStore

REFUSED = Expected("guardrail_input", "The assistant may not answer this.", retry=False)
WITHHELD = Expected("guardrail_output", "The answer was withheld.", retry=True)
UNCHECKED = Expected("moderation", "This could not be checked, so it is not answered.", retry=True)
SECRET = "the user's secret"


@MODES
async def test_what_is_asked_and_answered_is_judged(
    moderated: Moderated, endpoint: ModerationEndpoint, mode: str
) -> None:
    app = moderated(moderation_mode=mode)
    app.models.say("Hello Ann")
    answer = await app.user("alice").create("I am Ann")
    app.models.say("Ann")
    await app.user("alice").say(answer.thread_id, "Who am I?")
    assert sorted(endpoint.texts) == sorted(["I am Ann", "Hello Ann", "Who am I?", "Ann"])
    assert {asked["model"] for asked in endpoint.requests} == {"omni-moderation-latest"}
    assert set(endpoint.keys) == {"Bearer sk-of-the-test"}


async def test_without_a_model_for_it_nothing_is_judged(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated(moderation_model="")
    app.models.say(f"I say {BAD}")
    assert (await app.user("alice").create(BAD)).text == f"I say {BAD}"
    assert endpoint.requests == []


@MODES
async def test_question_that_is_refused_is_taken_back_with_its_answer(
    moderated: Moderated, log: io.StringIO, mode: str
) -> None:
    app = moderated(moderation_mode=mode)
    app.models.say("Well")
    answer = await app.user("alice").create(f"Tell me {BAD}")
    REFUSED.check(answer, log, SECRET)
    assert await app.user("alice").items(answer.thread_id) == []
    assert len(app.models.model.calls) == (0 if mode == "blocking" else 1)


@MODES
async def test_model_never_sees_a_refused_question_later(moderated: Moderated, mode: str) -> None:
    app = moderated(moderation_mode=mode)
    app.models.say("Hello")
    thread_id = (await app.user("alice").create("Hi")).thread_id
    if mode == "parallel":
        app.models.say("Well")
    await app.user("alice").say(thread_id, f"Tell me {BAD}")
    app.models.say("Of course")
    assert (await app.user("alice").say(thread_id, "Now answer what I asked")).text == "Of course"
    call = app.models.model.last_call
    assert call is not None
    assert BAD not in str(call.input)
    texts = [item["content"][0]["text"] for item in await app.user("alice").items(thread_id)]
    assert texts == ["Hi", "Hello", "Now answer what I asked", "Of course"]


async def test_answer_that_is_refused_is_taken_back(moderated: Moderated, log: io.StringIO) -> None:
    app = moderated()
    app.models.say(f"I say {BAD}")
    answer = await app.user("alice").create("Hi")
    WITHHELD.check(answer, log, SECRET)
    assert [item["type"] for item in await app.user("alice").items(answer.thread_id)] == ["user_message"]


async def test_first_words_do_not_wait_for_the_verdict(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    models = PausingModels()
    app = moderated(models)
    endpoint.go_on.clear()
    models.say("At once")
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    async with asyncio.timeout(20):
        await models.model.said.wait()
        await endpoint.asked.wait()
        while b"At once" not in app.doorway.sent:  # noqa: ASYNC110 - what is sent tells nobody
            await asyncio.sleep(0.01)
    endpoint.go_on.set()
    models.model.go_on.set()
    assert (await answering).text == "At once"


async def test_blocked_model_waits_for_the_verdict(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated(moderation_mode="blocking", moderation_seconds=60)
    endpoint.go_on.clear()
    app.models.say("Hello")
    answering = asyncio.create_task(app.user("alice").create("Hi"))
    async with asyncio.timeout(20):
        await endpoint.asked.wait()
    assert not app.models.model.calls
    endpoint.go_on.set()
    assert (await answering).text == "Hello"


@MODES
async def test_no_tool_is_called_for_a_question_that_is_refused(
    moderated: Moderated, endpoint: ModerationEndpoint, mode: str
) -> None:
    app = moderated(moderation_mode=mode)
    endpoint.go_on.clear()
    added = {"title": "By a refused question", "due_date": None}
    app.models.model.enqueue([function_call("add_task", added, call_id="c1", item_id="f1")])
    answering = asyncio.create_task(app.user("alice").create(f"Add {BAD}"))
    async with asyncio.timeout(20):
        await endpoint.asked.wait()
        while mode == "parallel" and not app.models.model.calls:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    # Time in which a tool would be called that does not wait.
    await asyncio.sleep(0.3)
    endpoint.go_on.set()
    answer: Answer = await answering
    assert answer.events[-1]["message"].startswith("The assistant may not answer this.")
    assert await Tasks(DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")).all() == []


BROKEN = {
    "refused": JSONResponse({"error": {"message": SECRET}}, 400, headers=CLOSE),
    "no verdict": JSONResponse({"id": "m", "model": "m", "results": []}, headers=CLOSE),
    "other JSON": JSONResponse([SECRET], headers=CLOSE),
}


@MODES
@pytest.mark.parametrize("broken", BROKEN)
async def test_closed_refuses_what_could_not_be_judged_and_keeps_the_question(
    moderated: Moderated, endpoint: ModerationEndpoint, log: io.StringIO, mode: str, broken: str
) -> None:
    app = moderated(moderation_mode=mode)
    endpoint.answer = BROKEN[broken]
    app.models.say("Well")
    answer = await app.user("alice").create(BAD)
    UNCHECKED.check(answer, log, SECRET)
    [question] = await app.user("alice").items(answer.thread_id)
    endpoint.answer = None
    again = {"thread_id": answer.thread_id, "item_id": question["id"]}
    if mode == "parallel":
        app.models.say("Well")
    retried = await app.user("alice").send("threads.retry_after_item", **again)
    assert retried.events[-1]["message"].startswith("The assistant may not answer this.")


@MODES
async def test_open_lets_through_what_could_not_be_judged(
    moderated: Moderated, endpoint: ModerationEndpoint, mode: str
) -> None:
    app = moderated(moderation_mode=mode, moderation_failure="open")
    endpoint.answer = BROKEN["refused"]
    app.models.say("Hello")
    assert (await app.user("alice").create(BAD)).text == "Hello"


@pytest.mark.parametrize(("failure", "ends"), [("open", "thread.item.done"), ("closed", "error")])
async def test_verdict_has_only_so_long(
    moderated: Moderated, endpoint: ModerationEndpoint, failure: str, ends: str
) -> None:
    app = moderated(moderation_seconds=0.2, moderation_failure=failure, moderation_mode="blocking")
    endpoint.go_on.clear()
    app.models.say("Hello")
    async with asyncio.timeout(20):
        answer = await app.user("alice").create("Hi")
    assert answer.events[-1]["type"] == ends


async def test_all_of_a_long_text_is_judged(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated(max_message_characters=100_000, moderation_mode="blocking")
    answer = await app.user("alice").create("x" * 2 * PART_CHARACTERS + BAD)
    assert answer.events[-1]["message"].startswith("The assistant may not answer this.")
    assert [len(part) for part in endpoint.requests[0]["input"]] == [PART_CHARACTERS, PART_CHARACTERS, len(BAD)]


@pytest.mark.parametrize(
    ("language", "text"), [("de", "Dies konnte nicht geprüft werden"), ("ja", "内容を確認できなかった")]
)
async def test_user_is_told_in_their_language(
    moderated: Moderated, endpoint: ModerationEndpoint, language: str, text: str
) -> None:
    app = moderated(moderation_mode="blocking")
    endpoint.answer = BROKEN["refused"]
    body = json.dumps(request("threads.create", input=message("Hi"))).encode()
    answer = await app.user("alice").post(body, **{"Accept-Language": language})
    assert answer.events[-1]["message"].startswith(text)
