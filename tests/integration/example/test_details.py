"""Questions about a task: asked, answered, skipped, or left where they are."""

from dataclasses import dataclass
from typing import Any

import pytest

from chat_testing.app import App
from chat_testing.assistant import ask, calls, given, reloaded, told
from chat_testing.chat import Answer, ChatClient

BOTH = {"title": {"values": ["Call Bob"]}, "due_date": {"values": ["Tomorrow"]}}
SKIPPED = {"values": [], "skipped": True}


@dataclass
class Asked:
    """A thread in which the user was asked for a title and a date."""

    app: App
    user: ChatClient
    answer: Answer

    @property
    def thread_id(self) -> str:
        """The thread's id."""
        return self.answer.thread_id

    @property
    def item(self) -> dict[str, Any]:
        """The questions, as they were streamed."""
        [item] = [item for item in self.answer.items if item["type"] == "structured_input"]
        return item

    async def submit(
        self, answers: dict[str, Any], status: str = "answered", user: ChatClient | None = None, **place: str
    ) -> Answer:
        """Answer them."""
        sent = {"thread_id": self.thread_id, "item_id": self.item["id"], **place}
        submission = {"status": status, "answers": answers}
        return await (user or self.user).send("threads.add_structured_input", **sent, input=submission)

    async def kept(self) -> tuple[str, list[Any]]:
        """The item's status and its answers after a reload."""
        [item] = [item for item in await reloaded(self.user, self.thread_id) if item["type"] == "structured_input"]
        return item["status"], [question.get("answer") for question in item["inputs"]]


async def questions(app: App, user: ChatClient) -> Asked:
    calls(app, "ask_details", missing=["title", "due_date", "title"])
    return Asked(app, user, await user.create("Add a task"))


@pytest.fixture
async def asked(app: App, alice: ChatClient) -> Asked:
    return await questions(app, alice)


async def test_questions_are_shown_once_each_and_the_model_waits(asked: Asked) -> None:
    assert [(question["id"], question["type"], question["question"]) for question in asked.item["inputs"]] == [
        ("title", "freeform", "What is to be done?"),
        ("due_date", "multiple_choice", "When is it due?"),
    ]
    options = [option["value"] for option in asked.item["inputs"][1]["options"]]
    assert options == ["Today", "Tomorrow", "Next week", "No date"]
    assert asked.item["status"] == "pending"
    assert await reloaded(asked.user, asked.thread_id) == asked.answer.items
    assert len(asked.app.models.model.calls) == 1


async def test_answers_are_kept_and_the_model_is_given_them(asked: Asked) -> None:
    calls(asked.app, "add_task", title="Call Bob", due_date=None)
    asked.app.models.say("Added")
    answer = await asked.submit(BOTH)
    assert answer.text == "Added"
    [replaced] = answer.of_type("thread.item.replaced")
    expected = [{**value, "skipped": False} for value in BOTH.values()]
    assert await asked.kept() == ("answered", expected)
    assert [question["answer"] for question in replaced["item"]["inputs"]] == expected
    assert "- What is to be done?: Call Bob" in given(asked.app)
    assert "- When is it due?: Tomorrow" in given(asked.app)


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        ({}, "skipped", ["status: skipped", "- What is to be done?: skipped"]),
        ({"title": BOTH["title"]}, "answered", ["What is to be done?: Call Bob", "- When is it due?: skipped"]),
        ({"title": {"values": ["Call Bob"], "skipped": True}}, "answered", ["- What is to be done?: skipped"]),
    ],
    ids=["all", "one left out", "one skipped"],
)
async def test_what_is_skipped_is_kept_as_skipped_and_the_model_knows(
    asked: Asked, answers: dict[str, Any], status: str, said: list[str]
) -> None:
    asked.app.models.say("As you like")
    assert (await asked.submit(answers, status)).text == "As you like"
    kept_status, kept = await asked.kept()
    assert kept_status == status
    assert SKIPPED in kept
    assert all(part in given(asked.app) for part in said)


async def test_who_writes_a_message_instead_is_answered_and_may_still_answer_the_questions(asked: Asked) -> None:
    asked.app.models.say("Fine")
    assert (await asked.user.say(asked.thread_id, "Call Bob, tomorrow")).text == "Fine"
    assert "- What is to be done?: unanswered" in given(asked.app)
    assert (await asked.kept())[0] == "pending"
    asked.app.models.say("Thank you")
    assert (await asked.submit(BOTH)).text == "Thank you"
    assert (await asked.kept())[0] == "answered"


async def test_questions_are_answered_once(asked: Asked) -> None:
    asked.app.models.say("Thank you")
    await asked.submit(BOTH)
    other = await asked.submit({"title": {"values": ["Call Ann"]}})
    assert other.status != 200
    assert (await asked.kept())[1][0]["values"] == ["Call Bob"]


async def test_questions_are_in_the_user_s_language(app: App, alice: ChatClient) -> None:
    calls(app, "ask_details", missing=["due_date"])
    body = b'{"type": "threads.create", "params": {"input": {"content": [{"type": "input_text", "text": "Hola"}], '
    answer = await alice.post(body + b'"attachments": [], "inference_options": {}}}}', **{"Accept-Language": "es"})
    [question] = answer.items[-1]["inputs"]
    assert question["question"] == "¿Para cuándo es?"
    assert question["options"][0]["value"] == "Hoy"


async def test_no_question_is_no_item_and_the_model_is_told(app: App, alice: ChatClient) -> None:
    answer = await ask(app, alice, "ask_details", missing=[])
    assert told(app).startswith("Nothing was asked")
    assert [item["type"] for item in answer.items] == ["user_message", "assistant_message"]


async def test_answers_longer_than_a_message_are_refused(asked: Asked) -> None:
    most = asked.app.settings.max_message_characters
    answer = await asked.submit({"title": {"values": ["x" * most, "x"]}})
    assert answer.status == 422
    assert (await asked.kept())[0] == "pending"


async def test_more_answers_than_anybody_gives_are_refused_though_they_are_empty(asked: Asked) -> None:
    answer = await asked.submit({"title": {"values": [""] * 30_000}})
    assert answer.status == 422
    assert (await asked.kept())[0] == "pending"


async def test_other_user_cannot_answer_nor_by_a_thread_of_their_own(asked: Asked) -> None:
    bobs = await questions(asked.app, asked.app.user("bob"))
    assert (await asked.submit(BOTH, user=bobs.user)).status == 404
    assert (await asked.submit(BOTH, user=bobs.user, thread_id=bobs.thread_id)).status == 404
    assert [(await each.kept())[0] for each in (asked, bobs)] == ["pending", "pending"]
