"""A tool that needs the user's word waits for it, in the thread, and acts once or not at all."""

from datetime import datetime
from typing import Any

import pytest
from agents.testing import function_call

from chat_testing.app import App
from chat_testing.approving import GONE, asked, buttons, decide, is_open, shown, texts, widget
from chat_testing.assistant import calls, tasks_of
from chat_testing.builders import assistant_message, context, user_message
from chat_testing.chat import ChatClient
from chat_testing.spent import USED, Make, used
from chatkit_aws.store import DynamoDBStore


async def test_user_is_asked_in_words_and_nothing_is_done_before(app: App, alice: ChatClient) -> None:
    answer = await asked(app, "Call “Bob”")
    assert [task.title for task in await tasks_of(app, "alice").all()] == ["Call “Bob”"]
    assert texts(widget(answer)) == ["May I do this?", "Delete the task “Call “Bob””."]
    assert [button["label"] for button in buttons(answer)] == ["Allow", "Do not"]
    assert [item["type"] for item in await alice.items(answer.thread_id)] == ["user_message", "widget"]
    assert "state" not in answer.body.decode()


@pytest.mark.parametrize(
    ("approved", "shown", "told"),
    [
        (True, "You allowed this.", "Deleted."),
        (False, "You did not allow this.", "The user did not allow this call. Nothing was done."),
    ],
)
async def test_run_goes_on_with_what_the_user_decided(
    app: App, alice: ChatClient, approved: bool, shown: str, told: str
) -> None:
    answer = await asked(app)
    app.models.say("As you wish.")
    decided = await decide(alice, answer, approved=approved)
    assert decided.text == "As you wish."
    assert [task.title for task in await tasks_of(app, "alice").all()] == ([] if approved else ["Call Bob"])
    call = app.models.model.last_call
    assert call is not None
    assert [item["output"] for item in call.input if isinstance(item, dict) and "output" in item] == [told]
    question, asking, said = await alice.items(answer.thread_id)
    assert (question["type"], said["content"][0]["text"]) == ("user_message", "As you wish.")
    assert texts(asking) == ["May I do this?", "Delete the task “Call Bob”.", shown]
    app.models.say("Nothing else.")
    assert (await alice.say(answer.thread_id, "And now?")).text == "Nothing else."


async def test_decision_counts_once(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.say("Not deleted.")
    await decide(alice, answer, approved=False)
    again = await decide(alice, answer, approved=True)
    assert (again.events[-1]["message"], again.events[-1]["allow_retry"]) == (GONE, False)
    assert len(await tasks_of(app, "alice").all()) == 1


async def test_decision_comes_too_late_when_the_conversation_has_gone_on(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.say("Fine.")
    await alice.say(answer.thread_id, "Never mind")
    late = await decide(alice, answer, approved=True)
    assert late.events[-1]["message"] == GONE
    assert len(await tasks_of(app, "alice").all()) == 1


async def test_others_can_neither_decide_nor_use_the_id_in_threads_of_theirs(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    bob = app.user("bob")
    assert (await decide(bob, answer, approved=True)).status == 404
    app.models.say("Hi")
    approval = buttons(answer)[0]["onClickAction"]["payload"]["approval"]
    action = {"type": "approval.answer", "payload": {"approval": approval, "approved": True}}
    own = await bob.send("threads.custom_action", thread_id=(await bob.create()).thread_id, action=action)
    assert own.events[-1]["message"] == GONE
    assert len(await tasks_of(app, "alice").all()) == 1


@pytest.mark.parametrize(
    "payload", [{}, {"approval": "x", "approved": "yes"}, {"approval": "x", "approved": True, "a": 1}]
)
async def test_payload_of_another_form_is_refused(app: App, alice: ChatClient, payload: dict[str, Any]) -> None:
    answer = await asked(app)
    action = {"type": "approval.answer", "payload": payload}
    refused = await alice.send("threads.custom_action", thread_id=answer.thread_id, action=action)
    assert (refused.events[-1]["message"], refused.events[-1]["allow_retry"]) == ("This action is not valid.", False)


async def test_item_that_is_no_approval_cannot_be_decided(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    action = {"type": "approval.answer", "payload": {"approval": answer.items[0]["id"], "approved": True}}
    late = await alice.send("threads.custom_action", thread_id=answer.thread_id, action=action)
    assert late.events[-1]["type"] == "error"
    assert len(await tasks_of(app, "alice").all()) == 1


async def test_retry_asks_anew(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.say("I would rather not.")
    question = answer.items[0]["id"]
    await alice.send("threads.retry_after_item", thread_id=answer.thread_id, item_id=question)
    assert (await decide(alice, answer, approved=True)).status == 404  # the widget is gone
    assert len(await tasks_of(app, "alice").all()) == 1


async def test_what_was_done_before_the_question_is_not_done_again(app: App, alice: ChatClient) -> None:
    task = await tasks_of(app, "alice").add("Call Bob")
    both = [
        function_call("add_task", {"title": "Buy milk", "due_date": None}, call_id="call_a", item_id="fc_a"),
        function_call("delete_task", {"task_id": task.id}, call_id="call_d", item_id="fc_d"),
    ]
    app.models.model.enqueue(both)
    answer = await alice.create("Add milk, delete Bob")
    app.models.say("Done.")
    await decide(alice, answer, approved=True)
    assert [task.title for task in await tasks_of(app, "alice").all()] == ["Buy milk"]
    app.models.say("Yes.")
    await alice.say(answer.thread_id, "Is it done?")
    call = app.models.model.last_call
    assert call is not None
    kept = [item["name"] for item in call.input if isinstance(item, dict) and item.get("type") == "function_call"]
    assert sorted(kept) == ["add_task", "delete_task"]


async def test_each_part_of_the_answer_is_paid_once(make: Make) -> None:
    app = make(tokens_per_day=100_000)
    app.models.model.set_default_usage(USED)
    answer = await asked(app)
    first = (await used(app)).usage
    app.models.say("Deleted.")
    await decide(app.user("alice"), answer, approved=True)
    usage = (await used(app)).usage
    assert (first.input, usage.input, usage.requests) == (USED.input_tokens, 2 * USED.input_tokens, 2)


async def test_call_that_can_do_nothing_asks_nobody(app: App, alice: ChatClient) -> None:
    calls(app, "delete_task", task_id="unknown")
    app.models.say("There is no such task.")
    answer = await alice.create("Delete it")
    assert (answer.text, [item["type"] for item in answer.items]) == (
        "There is no such task.",
        ["user_message", "assistant_message"],
    )


async def test_approval_stays_open_however_long_answers_to_questions_beside_it_are(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    store, caller = DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")
    for number in range(25):
        said = assistant_message(id=f"msg_{number}", thread_id=answer.thread_id, created_at=datetime.now())  # noqa: DTZ005 - as the SDK's
        await store.add_thread_item(answer.thread_id, said, caller)
    app.models.say("Deleted it.")
    assert (await decide(alice, answer, approved=True)).text == "Deleted it."


async def test_message_ends_an_approval_although_nothing_has_answered_it(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    store, caller = DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")
    said = user_message(thread_id=answer.thread_id, created_at=datetime.now())  # noqa: DTZ005 - as the SDK's
    await store.add_thread_item(answer.thread_id, said, caller)
    late = await decide(alice, answer, approved=True)
    assert late.events[-1]["message"] == GONE
    assert [task.title for task in await tasks_of(app, "alice").all()] == ["Call Bob"]
    assert not is_open(await shown(alice, answer.thread_id))
