"""What is refused of what the user said: it goes, whatever it was, and the user can go on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
import pytest

from chat_testing.app import App
from chat_testing.approving import widget
from chat_testing.assistant import calls, given, reloaded, tasks_of
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.deadlines import ending_in
from chat_testing.models import PausingModels
from chat_testing.moderation import BAD, MODES, Moderated, ModerationEndpoint
from chat_testing.web import serving_here

type Ends = Literal["stopped", "left", "deadline", "failed"]

REFUSED = "The assistant may not answer this."


def is_refused(answer: Answer) -> bool:
    last = answer.events[-1]
    return last["type"] == "error" and str(last["message"]).startswith(REFUSED)


def answered_beside(app: App) -> None:
    """Have the model say something to what will be refused, where it is asked at all."""
    if app.settings.moderation_mode == "parallel":
        app.models.say("Well")


async def asked(app: App, user: ChatClient) -> tuple[str, dict[str, Any]]:
    """A thread whose last item are questions, and they."""
    calls(app, "ask_details", missing=["title"])
    answer = await user.create("Add a task")
    [item] = [item for item in answer.items if item["type"] == "structured_input"]
    return answer.thread_id, item


async def submit(user: ChatClient, thread_id: str, item: dict[str, Any], title: str) -> Answer:
    submission = {"status": "answered", "answers": {"title": {"values": [title]}}}
    sent = {"thread_id": thread_id, "item_id": item["id"], "input": submission}
    return await user.send("threads.add_structured_input", **sent)


@dataclass
class Early:
    """A thread whose second answer ends before the verdict on its question is there."""

    app: App
    endpoint: ModerationEndpoint
    models: PausingModels
    thread_id: str = ""

    @property
    def user(self) -> ChatClient:
        """Who asks."""
        return self.app.user("alice")

    async def answer(self, ends: Ends, text: str = f"Tell me {BAD}", *, in_time: bool) -> Answer | None:
        """The second answer; none for who has left. The verdict comes soon after the end has begun, or never."""
        self.models.say("Hello")
        self.models.model.go_on.set()
        self.thread_id = (await self.user.create("Hi")).thread_id
        self.models.model.go_on.clear()
        self.endpoint.asked.clear()
        self.endpoint.go_on.clear()
        self.models.say("At once")
        with ending_in(1) if ends == "deadline" else nullcontext():
            answering = asyncio.create_task(
                self._leave(text) if ends == "left" else self.user.say(self.thread_id, text)
            )
        await self._begun()
        if ends == "stopped":
            await self.user.post(json.dumps({"thread_id": self.thread_id}).encode(), "/chatkit/stop")
        if ends == "failed":
            self.models.model.error = RuntimeError("down")
            self.models.model.go_on.set()
        if in_time:
            await asyncio.sleep(1.5 if ends == "deadline" else 0.4)  # by then the end has begun
            self.endpoint.go_on.set()
        async with asyncio.timeout(20):
            return await answering

    async def texts(self) -> list[str]:
        """What is in the thread when the run is over."""
        await self.user.post(json.dumps({"thread_id": self.thread_id}).encode(), path="/chatkit/resume")
        return [item["content"][0]["text"] for item in await self.user.items(self.thread_id)]

    async def next(self) -> str:
        """The answer to another question."""
        self.endpoint.go_on.set()
        self.models.model.go_on.set()
        self.models.say("Of course")
        return (await self.user.say(self.thread_id, "Go on")).text

    async def _begun(self) -> None:
        """Wait until both the moderation and the model were asked, and the model's words are sent."""
        async with asyncio.timeout(20):
            await self.endpoint.asked.wait()
            if self.app.settings.moderation_mode == "blocking":
                return
            while b"At once" not in self.app.doorway.sent:  # noqa: ASYNC110 - what is sent tells nobody
                await asyncio.sleep(0.01)

    async def _leave(self, text: str) -> None:
        """Ask, and go when the first words have come."""
        asking = request("threads.add_user_message", thread_id=self.thread_id, input=message(text))
        headers = {"Authorization": f"Bearer {self.app.issuer.mint('alice')}"}
        async with serving_here(self.app.doorway) as port, httpx2.AsyncClient() as http:
            sending = http.stream("POST", f"http://127.0.0.1:{port}/chatkit", json=asking, headers=headers)
            async with sending as response:
                async for part in response.aiter_bytes():
                    if b"At once" in part:
                        break


@pytest.fixture
def early(moderated: Moderated, endpoint: ModerationEndpoint, request: pytest.FixtureRequest) -> Early:
    models = PausingModels()
    changes = {"moderation_seconds": 30, "stop_on_disconnect": True, **getattr(request, "param", {})}
    return Early(moderated(models, **changes), endpoint, models)


async def said_badly(app: App, user: ChatClient) -> tuple[str, Answer]:
    app.models.say("Hello")
    thread_id = (await user.create("Hi")).thread_id
    answered_beside(app)
    return thread_id, await user.say(thread_id, f"Tell me {BAD}")


async def said_badly_instead_of_an_answer(app: App, user: ChatClient) -> tuple[str, Answer]:
    thread_id, _ = await asked(app, user)
    answered_beside(app)
    return thread_id, await user.say(thread_id, f"Tell me {BAD}")


async def answered_badly(app: App, user: ChatClient) -> tuple[str, Answer]:
    thread_id, item = await asked(app, user)
    answered_beside(app)
    return thread_id, await submit(user, thread_id, item, BAD)


async def told_badly_by_the_page(app: App, user: ChatClient) -> tuple[str, Answer]:
    task = await tasks_of(app, "alice").add("Call Bob")
    calls(app, "open_task", task_id=task.id)
    thread_id = (await user.create("Open it")).thread_id
    answered_beside(app)
    sent = {"thread_id": thread_id, "result": {"seen": BAD}}
    return thread_id, await user.send("threads.add_client_tool_output", **sent)


async def quoted_badly(app: App, user: ChatClient) -> tuple[str, Answer]:
    app.models.say("Hello")
    thread_id = (await user.create("Hi")).thread_id
    answered_beside(app)
    content = {"content": [{"type": "input_text", "text": "This?"}], "attachments": [], "inference_options": {}}
    sent = {"thread_id": thread_id, "input": {**content, "quoted_text": BAD}}
    return thread_id, await user.send("threads.add_user_message", **sent)


async def said_badly_after_a_failure(app: App, user: ChatClient) -> tuple[str, Answer]:
    app.models.model.enqueue(RuntimeError("down"))
    thread_id = (await user.create("Hi")).thread_id
    answered_beside(app)
    return thread_id, await user.say(thread_id, f"Tell me {BAD}")


@MODES
@pytest.mark.parametrize(
    "refusing",
    [
        said_badly,
        said_badly_instead_of_an_answer,
        answered_badly,
        told_badly_by_the_page,
        quoted_badly,
        said_badly_after_a_failure,
    ],
)
async def test_after_a_refusal_a_harmless_message_goes_through(
    moderated: Moderated, mode: str, refusing: Callable[[App, ChatClient], Awaitable[tuple[str, Answer]]]
) -> None:
    app = moderated(moderation_mode=mode)
    alice = app.user("alice")
    thread_id, answer = await refusing(app, alice)
    assert is_refused(answer)
    app.models.say("Good morning")
    assert (await alice.say(thread_id, "Hello again")).text == "Good morning"
    assert BAD not in given(app)
    assert BAD not in str(await reloaded(alice, thread_id))


@MODES
async def test_refused_answers_are_asked_for_again(moderated: Moderated, mode: str) -> None:
    app = moderated(moderation_mode=mode)
    alice = app.user("alice")
    thread_id, item = await asked(app, alice)
    answered_beside(app)
    refused = await submit(alice, thread_id, item, BAD)
    assert is_refused(refused)
    assert [event["item_id"] for event in refused.of_type("thread.item.removed")][-1] == item["id"]
    [again] = [shown for shown in refused.items if shown["type"] == "structured_input"]
    assert again["status"] == "pending"
    kept = await reloaded(alice, thread_id)
    assert [shown["type"] for shown in kept] == ["user_message", "structured_input"]
    assert kept[-1] == again
    app.models.say("Noted")
    assert (await submit(alice, thread_id, again, "Call Bob")).text == "Noted"
    assert "Call Bob" in given(app)
    assert BAD not in given(app)


@MODES
async def test_what_tools_say_is_not_judged_as_what_the_user_says(moderated: Moderated, mode: str) -> None:
    app = moderated(moderation_mode=mode)
    alice = app.user("alice")
    await tasks_of(app, "alice").add(f"Forget {BAD}")
    calls(app, "list_tasks", open_only=True)
    app.models.model.enqueue(RuntimeError("down"))
    failed = await alice.create("What is open?")
    assert failed.events[-1]["type"] == "error"
    app.models.say("Hello")
    assert (await alice.say(failed.thread_id, "Good morning")).text == "Hello"
    assert BAD in given(app)


@MODES
async def test_what_a_tool_tells_an_agent_of_its_own_is_not_judged(moderated: Moderated, mode: str) -> None:
    app = moderated(moderation_mode=mode)
    await tasks_of(app, "alice").add(f"Forget {BAD}")
    calls(app, "draft_plan", day="2026-12-01", wishes="In English")
    app.models.say("First this")
    app.models.say("There it is")
    assert (await app.user("alice").create("Draft a plan")).text == "There it is"


async def test_item_that_waits_for_an_approval_is_not_what_the_user_says(moderated: Moderated) -> None:
    app = moderated()
    alice = app.user("alice")
    task = await tasks_of(app, "alice").add(f"Forget {BAD}")
    calls(app, "delete_task", task_id=task.id)
    waiting = await alice.create("Delete the only task")
    assert widget(waiting)
    app.models.say("Hello")
    assert (await alice.say(waiting.thread_id, "Never mind")).text == "Hello"


@MODES
async def test_retry_that_is_refused_leaves_no_answer_without_its_question(
    moderated: Moderated, endpoint: ModerationEndpoint, mode: str
) -> None:
    app = moderated(moderation_mode=mode)
    alice = app.user("alice")
    app.models.say("Hello")
    thread_id = (await alice.create("Hi")).thread_id
    app.models.say("As you wish")
    question = (await alice.say(thread_id, "What now?")).items[0]
    endpoint.flagged = "What now?"
    answered_beside(app)
    retried = await alice.send("threads.retry_after_item", thread_id=thread_id, item_id=question["id"])
    assert is_refused(retried)
    assert [item["content"][0]["text"] for item in await alice.items(thread_id)] == ["Hi", "Hello"]


@pytest.mark.parametrize("verdict", ["in time", "too late"])
@pytest.mark.parametrize("ends", ["stopped", "left", "deadline"])
async def test_question_does_not_get_by_unjudged_by_an_early_end(early: Early, ends: Ends, verdict: str) -> None:
    answer = await early.answer(ends, in_time=verdict == "in time")
    assert answer is None or is_refused(answer) == (verdict == "in time")
    assert await early.texts() == ["Hi", "Hello"]
    assert await early.next() == "Of course"
    assert BAD not in given(early.app)


@pytest.mark.parametrize("early", [{"moderation_failure": "open"}], indirect=True)
async def test_answer_that_is_stopped_stays_where_checks_fail_open(early: Early) -> None:
    await early.answer("stopped", in_time=False)
    assert await early.texts() == ["Hi", "Hello", f"Tell me {BAD}", "At once"]


async def test_harmless_question_of_a_stopped_answer_stays(early: Early) -> None:
    answer = await early.answer("stopped", "Tell me more", in_time=True)
    assert answer is not None
    assert answer.events[-1]["message"] == "The answer was stopped."
    assert await early.texts() == ["Hi", "Hello", "Tell me more", "At once"]


async def test_question_of_a_model_that_fails_before_the_verdict_is_refused(early: Early) -> None:
    answer = await early.answer("failed", in_time=True)
    assert answer is not None
    assert is_refused(answer)
    assert await early.texts() == ["Hi", "Hello"]


@pytest.mark.parametrize("early", [{"moderation_mode": "blocking"}], indirect=True)
@pytest.mark.parametrize("verdict", ["in time", "too late"])
async def test_question_that_was_stopped_before_the_model_was_asked_goes_too(early: Early, verdict: str) -> None:
    await early.answer("stopped", in_time=verdict == "in time")
    assert await early.texts() == ["Hi", "Hello"]


async def test_what_one_user_said_is_not_judged_for_another(moderated: Moderated, endpoint: ModerationEndpoint) -> None:
    app = moderated(moderation_mode="blocking")
    thread_id = (await app.user("alice").create(f"Tell me {BAD}")).thread_id
    app.models.say("Hello")
    assert (await app.user("bob").create("Hi")).text == "Hello"
    assert endpoint.texts == [f"Tell me {BAD}", "Hi", "Hello"]
    assert (await app.user("bob").say(thread_id, "Hi")).status == 404
