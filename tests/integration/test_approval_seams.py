"""An approval beside others: images, thoughts, what is asked of the page or the user; and the item that keeps it."""

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agents.items import TResponseStreamEvent
from agents.testing import ModelStep, function_call
from agents.testing.model import ModelCall
from openai.types.responses import ResponseReasoningItem
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_s3.client import S3Client

from chat_testing.app import App, application
from chat_testing.approving import GONE, asked, buttons, decide, is_open, kept, shown, texts
from chat_testing.assistant import calls, given, tasks_of
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient
from chat_testing.citing import model_event
from chat_testing.painting import Painting, in_base64, png
from chat_testing.table_definition import create_table
from chat_testing.tokens import TokenIssuer
from chatkit_aws.rights import Account, DataRights, Storage
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.objects import Objects

ALICE = Account("default", "alice")
CLOSED = "This can no longer be answered."
IMAGE = "[an image that you made was shown here; you cannot see it]"
ASKED_BESIDE = "The user was first asked to allow another call."


def call(tool: str, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"call_{tool}", item_id=f"fc_{tool}")


async def asked_beside(app: App, *others: Any) -> Answer:
    """An answer whose model made other calls before the one that alice is asked to allow."""
    task = await tasks_of(app, "alice").add("Call Bob")
    app.models.model.enqueue([*others, call("delete_task", task_id=task.id)])
    return await app.user("alice").create("Do both")


def types(app: App) -> list[str]:
    """What the model was given last, by its types, or roles."""
    last = app.models.model.last_call
    assert last is not None
    return [item.get("type") or item["role"] for item in last.input if isinstance(item, dict)]


def painted(base64_image: str, then: Any) -> ModelStep:
    """A thought, an image and a call, as one response."""
    thought = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}

    async def events(model_call: ModelCall) -> AsyncIterator[TResponseStreamEvent]:
        yield model_event("output_item.done", item=thought, output_index=0, sequence_number=0)
        async for event in Painting([base64_image], text="")._events(model_call):
            if event.type != "response.completed":
                yield event
                continue
            response, raw = event.response.model_dump(), then.model_dump(exclude_none=True)
            yield model_event("output_item.done", item=raw, output_index=2, sequence_number=0)
            response["output"] = [thought, *response["output"], raw]
            yield model_event("completed", response=response, sequence_number=0)

    return ModelStep.stream(events)


async def test_image_is_not_kept_with_the_run_which_is_told_of_it_in_words(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, bucket: str, s3: S3Client
) -> None:
    objects = Objects(bucket, s3)
    app = application(table_name, dynamodb, issuer, objects=objects, image_link_minutes=5, image_generation=True)
    async with app.http:
        alice, image = app.user("alice"), in_base64(png(10_000))
        task = await tasks_of(app, "alice").add("Call Bob")
        app.models.model.enqueue(painted(image, call("delete_task", task_id=task.id)))
        answer = await alice.create("Draw, and delete")
        [state] = await kept(app, answer.thread_id)
        assert image[:100] not in json.dumps(state)
        app.models.say("Done.")
        assert (await decide(alice, answer, approved=True)).text == "Done."
        assert types(app) == ["message", "user", "function_call", "function_call_output"]
        assert IMAGE in given(app)
        # None of it is tied to a thought that is not there.
        assert "fc_delete_task" not in given(app)
        assert [item["type"] for item in await alice.items(answer.thread_id)][:2] == ["user_message", "generated_image"]
    assert await tasks_of(app, "alice").all() == []


async def test_thoughts_before_a_call_go_on_with_the_run(app: App, alice: ChatClient) -> None:
    thought = ResponseReasoningItem(id="rs_1", type="reasoning", summary=[], encrypted_content="sealed")
    answer = await asked_beside(app, thought)
    app.models.say("Deleted it.")
    assert (await decide(alice, answer, approved=True)).text == "Deleted it."
    assert types(app)[-3:] == ["reasoning", "function_call", "function_call_output"]
    assert "sealed" in given(app)
    assert "fc_delete_task" in given(app)


async def test_page_is_asked_after_the_user_where_both_were_called_for_at_once(app: App, alice: ChatClient) -> None:
    other = await tasks_of(app, "alice").add("Buy milk")
    answer = await asked_beside(app, call("open_task", task_id=other.id))
    assert [item["type"] for item in answer.items] == ["user_message", "widget"]
    calls(app, "open_task", task_id=other.id)
    opening = await decide(alice, answer, approved=True)
    assert ASKED_BESIDE in given(app)
    assert [item["type"] for item in opening.items] == ["client_tool_call"]
    app.models.say("Here it is.")
    sent = {"thread_id": answer.thread_id, "result": {"opened": True}}
    assert (await alice.send("threads.add_client_tool_output", **sent)).text == "Here it is."
    assert [task.title for task in await tasks_of(app, "alice").all()] == ["Buy milk"]


async def answered(client: ChatClient, answer: Answer) -> Answer:
    """The user's answer to questions, and what the model says to it."""
    [item] = [item for item in answer.items if item["type"] == "structured_input"]
    said = {"status": "answered", "answers": {"title": {"values": ["Milk"]}}}
    return await client.send("threads.add_structured_input", thread_id=answer.thread_id, item_id=item["id"], input=said)


@pytest.mark.parametrize("is_first", [True, False], ids=["questions first", "leave first"])
async def test_questions_and_leave_are_answered_in_any_order(app: App, alice: ChatClient, is_first: bool) -> None:
    answer = await asked_beside(app, call("ask_details", missing=["title"]))
    if is_first:
        app.models.say("Noted.")
        assert (await answered(alice, answer)).text == "Noted."
    app.models.say("Deleted it.")
    assert (await decide(alice, answer, approved=True)).text == "Deleted it."
    assert ASKED_BESIDE in given(app)
    if not is_first:
        app.models.say("Noted.")
        assert (await answered(alice, answer)).text == "Noted."
    app.models.say("Fine.")
    assert (await alice.say(answer.thread_id, "And now?")).text == "Fine."
    assert await tasks_of(app, "alice").all() == []


async def test_answers_to_questions_beside_an_approval_are_taken_again_where_answering_them_failed(
    app: App, alice: ChatClient
) -> None:
    answer = await asked_beside(app, call("ask_details", missing=["title"]))
    app.models.model.enqueue(RuntimeError("down"))
    assert (await answered(alice, answer)).events[-1]["allow_retry"] is True
    app.models.say("Noted.")
    assert (await answered(alice, answer)).text == "Noted."


async def test_sign_of_work_is_no_answer(app: App, alice: ChatClient) -> None:
    calls(app, "list_tasks", open_only=True)
    app.models.model.enqueue([])
    answer = await alice.create("What is open?")
    assert answer.of_type("progress_update")
    assert answer.events[-1]["message"].startswith("The model's answer could not be used.")


async def test_decision_is_shown_in_the_widget_that_asked_and_in_no_other(app: App, alice: ChatClient) -> None:
    calls(app, "show_tasks")
    answer = await asked_beside(app)
    first, second = [item for item in answer.items if item["type"] == "widget"]
    app.models.say("Deleted it.")
    [row] = [part for part in second["widget"]["children"] if part["type"] == "Row"]
    action = {name: row["children"][0]["onClickAction"][name] for name in ("type", "payload")}
    sent = {"thread_id": answer.thread_id, "item_id": first["id"], "action": action}
    assert (await alice.send("threads.custom_action", **sent)).text == "Deleted it."
    tasks, approval = [item for item in await alice.items(answer.thread_id) if item["type"] == "widget"]
    assert tasks["widget"] == first["widget"]
    assert texts(approval)[-1] == "You allowed this."


async def test_message_closes_an_approval_and_nothing_of_its_run_stays(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    app.models.say("Fine.")
    later = await alice.say(answer.thread_id, "Never mind")
    [update] = [
        event for event in later.of_type("thread.item.updated") if event["update"]["type"] == "widget.root.updated"
    ]
    widget = await shown(alice, answer.thread_id)
    assert (update["item_id"], update["update"]["widget"]) == (widget["id"], widget["widget"])
    assert (is_open(widget), texts(widget)[-1]) == (False, CLOSED)
    assert await kept(app, answer.thread_id) == [{"kind": "approval"}]


async def test_buttons_that_were_left_are_taken_away_when_they_are_pressed(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    widget = await shown(alice, answer.thread_id)
    app.models.say("Fine.")
    await alice.say(answer.thread_id, "Never mind")
    store, caller = DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")
    item = await store.load_item(answer.thread_id, widget["id"], caller)
    old = type(item).model_validate({**item.model_dump(), "widget": widget["widget"]})
    await store.save_item(answer.thread_id, old, caller)
    assert is_open(await shown(alice, answer.thread_id))
    late = await decide(alice, answer, approved=True)
    assert late.events[-1]["message"] == GONE
    closed = await shown(alice, answer.thread_id)
    assert (is_open(closed), texts(closed)) == (False, ["May I do this?", "Delete the task “Call Bob”.", CLOSED])


@pytest.mark.parametrize("damage", [{"$schemaVersion": "99.0"}, {"current_agent": {"name": "nobody"}}, {"context": 1}])
async def test_run_of_another_make_is_gone(app: App, alice: ChatClient, damage: dict[str, Any]) -> None:
    answer = await asked(app)
    store, caller = DynamoDBStore(app.table_name, app.dynamodb), context("alice", "default")
    approval = buttons(answer)[0]["onClickAction"]["payload"]["approval"]
    item: Any = await store.load_item(answer.thread_id, approval, caller)
    item.content["state"].update(damage)
    await store.save_item(answer.thread_id, item, caller)
    late = await decide(alice, answer, approved=True)
    assert (late.events[-1]["message"], late.events[-1]["allow_retry"]) == (GONE, False)
    assert not is_open(await shown(alice, answer.thread_id))
    assert len(await tasks_of(app, "alice").all()) == 1


async def test_approval_goes_with_its_thread_where_that_is_exported_erased_and_imported(
    app: App, alice: ChatClient, dynamodb: DynamoDBClient, issuer: TokenIssuer, tmp_path: Path
) -> None:
    answer = await asked(app)
    rights = DataRights(Storage.of(app.table_name, dynamodb), "operator-1")
    await rights.export(ALICE, tmp_path / "a.zip", "ticket 7")
    await rights.erase(ALICE, "ticket 7")
    assert (await decide(alice, answer, approved=True)).status == 404
    create_table(dynamodb, name := f"other-{uuid.uuid4().hex}")
    other = application(name, dynamodb, issuer)
    async with other.http:
        await DataRights(Storage.of(name, dynamodb), "operator-1").import_archive(ALICE, tmp_path / "a.zip", "ticket 7")
        other.models.say("Deleted it.")
        assert (await decide(other.user("alice"), answer, approved=True)).text == "Deleted it."
        assert await tasks_of(other, "alice").all() == []


async def test_decision_counts_in_a_thread_under_legal_hold(app: App, alice: ChatClient) -> None:
    answer = await asked(app)
    await DataRights(Storage.of(app.table_name, app.dynamodb), "operator-1").place_hold(ALICE, "ticket 7")
    app.models.say("Not deleted.")
    assert (await decide(alice, answer, approved=False)).text == "Not deleted."
    assert texts(await shown(alice, answer.thread_id))[-1] == "You did not allow this."
