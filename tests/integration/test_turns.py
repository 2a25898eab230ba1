"""A thread's life through the whole application: real store, scripted model."""

import json
import zoneinfo

import pytest
from agents.testing import ModelStep, assistant_message, function_call

from chat_testing.app import App
from chat_testing.chat import ChatClient


async def test_answer_streams_and_is_there_after_a_reload(app: App, alice: ChatClient) -> None:
    app.models.say("Hello, how are you?")
    answer = await alice.create("Hi")
    assert answer.status == 200
    assert answer.text == "Hello, how are you?"
    assert [item["type"] for item in answer.items] == ["user_message", "assistant_message"]
    assert await alice.items(answer.thread_id) == answer.items


async def test_events_come_in_the_protocol_s_order(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    types = [event["type"] for event in (await alice.create()).events]
    assert types[:3] == ["thread.created", "thread.item.done", "stream_options"]
    assert types[3] == "thread.item.added"
    assert types[-1] == "thread.item.done"


async def test_event_stream_is_neither_cached_nor_transformed(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    headers = (await alice.create()).headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"


async def test_model_sees_the_thread_so_far(app: App, alice: ChatClient) -> None:
    app.models.say("Hello Ann")
    thread_id = (await alice.create("I am Ann")).thread_id
    app.models.say("Ann")
    await alice.say(thread_id, "Who am I?")
    call = app.models.model.last_call
    assert call is not None
    assert [text in str(call.input) for text in ("I am Ann", "Hello Ann", "Who am I?")] == [True, True, True]


async def test_model_sees_the_newest_items_and_not_the_oldest(app: App, alice: ChatClient) -> None:
    app.models.say("answer 0")
    thread_id = (await alice.create("question 0")).thread_id
    for number in range(1, 8):
        app.models.say(f"answer {number}")
        await alice.say(thread_id, f"question {number}")
    call = app.models.model.last_call
    assert call is not None
    assert "question 7" in str(call.input)
    assert "question 0" not in str(call.input)


async def test_instructions_and_the_model_s_name_come_from_configuration(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    await alice.create()
    call = app.models.model.last_call
    assert call is not None
    assert "helpful assistant" in (call.system_instructions or "")
    assert set(app.models.names) == {"test-model"}


async def test_server_tool_shows_its_progress_and_its_result_reaches_the_model(app: App, alice: ChatClient) -> None:
    arguments = {"time_zone": "Europe/Berlin"}
    app.models.model.enqueue([function_call("current_time", arguments, call_id="call_1", item_id="fc_1")])
    app.models.say("It is late")
    answer = await alice.create("What time is it?")
    assert [event["text"] for event in answer.of_type("progress_update")] == ["Looking at the clock in Europe/Berlin"]
    assert answer.text == "It is late"
    call = app.models.model.last_call
    assert call is not None
    assert "CE" in str(call.input)


async def test_tool_knows_time_zones_where_the_system_has_none(app: App, alice: ChatClient) -> None:
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        arguments = {"time_zone": "Asia/Tokyo"}
        app.models.model.enqueue([function_call("current_time", arguments, call_id="call_1", item_id="fc_1")])
        app.models.say("It is early")
        await alice.create("What time is it?")
    finally:
        zoneinfo.reset_tzpath()
    call = app.models.model.last_call
    assert call is not None
    assert "JST" in str(call.input)


async def test_model_that_repeats_its_ids_loses_nothing(app: App, alice: ChatClient) -> None:
    for number in range(2):
        app.models.model.enqueue([assistant_message(f"answer {number}", item_id="msg_1")])
    created = await alice.create("question 0")
    await alice.say(created.thread_id, "question 1")
    texts = [item["content"][0]["text"] for item in await alice.items(created.thread_id)]
    assert texts == ["question 0", "answer 0", "question 1", "answer 1"]


@pytest.mark.parametrize("zone", ["../etc/passwd", "Europe", "a" * 300, "Europe/\0", ""])
async def test_tool_says_that_a_time_zone_is_unknown(app: App, alice: ChatClient, zone: str) -> None:
    app.models.model.enqueue([function_call("current_time", {"time_zone": zone}, call_id="call_1", item_id="fc_1")])
    app.models.say("Sorry")
    await alice.create("What time is it there?")
    call = app.models.model.last_call
    assert call is not None
    assert "There is no time zone named" in str(call.input)


async def test_times_on_the_wire_end_in_z(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    answer = await alice.create()
    listed = (await alice.send("threads.list")).json["data"]
    times = [item["created_at"] for item in [*answer.items, *listed, *await alice.items(answer.thread_id)]]
    assert all(time.endswith("Z") for time in times)


async def test_thread_is_renamed_listed_read_and_deleted(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    thread_id = (await alice.create()).thread_id
    await alice.send("threads.update", thread_id=thread_id, title="Greetings")
    listed = (await alice.send("threads.list")).json
    assert [(thread["id"], thread["title"]) for thread in listed["data"]] == [(thread_id, "Greetings")]
    read = (await alice.send("threads.get_by_id", thread_id=thread_id)).json
    assert [item["type"] for item in read["items"]["data"]] == ["user_message", "assistant_message"]
    assert (await alice.send("threads.delete", thread_id=thread_id)).json == {}
    assert (await alice.send("threads.get_by_id", thread_id=thread_id)).status == 404
    assert (await alice.send("threads.list")).json["data"] == []
    assert (await alice.say(thread_id, "Still there?")).status == 404


async def test_renamed_thread_keeps_the_users_title_whatever_a_stream_saves(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    thread_id = (await alice.create()).thread_id
    await alice.send("threads.update", thread_id=thread_id, title="Mine")
    [row] = [row for row in app.rows() if row["sk"] == {"S": f"THR#{thread_id}"}]
    assert "title" in row
    assert (await alice.send("threads.get_by_id", thread_id=thread_id)).json["title"] == "Mine"


async def test_retry_answers_the_question_again(app: App, alice: ChatClient) -> None:
    app.models.say("First")
    created = await alice.create("Question")
    app.models.say("Second")
    question = created.items[0]["id"]
    answer = await alice.send("threads.retry_after_item", thread_id=created.thread_id, item_id=question)
    assert answer.text == "Second"
    assert [item["content"][0]["text"] for item in await alice.items(created.thread_id)] == ["Question", "Second"]


async def test_retry_after_an_unknown_message_is_404_and_removes_nothing(app: App, alice: ChatClient) -> None:
    app.models.say("First")
    created = await alice.create("Question")
    answer = await alice.send("threads.retry_after_item", thread_id=created.thread_id, item_id="msg_unknown")
    assert answer.status == 404
    assert await alice.items(created.thread_id) == created.items


async def test_model_failure_is_an_event_that_allows_retry_and_the_question_is_kept(
    app: App, alice: ChatClient
) -> None:
    app.models.model.enqueue(ModelStep.raise_error(RuntimeError("the model said a secret")))
    answer = await alice.create("Question")
    assert answer.status == 200
    message = f"Something went wrong. Trying again may help. Reference: {answer.headers['x-request-id']}"
    assert answer.events[-1] == {"type": "error", "code": "custom", "message": message, "allow_retry": True}
    assert b"secret" not in answer.body
    assert [item["type"] for item in await alice.items(answer.thread_id)] == ["user_message"]


async def test_failed_turn_is_counted(app: App, alice: ChatClient, capsys: pytest.CaptureFixture[str]) -> None:
    app.models.model.enqueue(ModelStep.raise_error(RuntimeError("the model is tired")))
    await alice.create("Question")
    app.models.say("Hello")
    await alice.create("Question")
    published = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["Failures"] for line in published] == [[1.0], [0.0]]


async def test_tags_and_quotes_in_history_do_not_break_later_turns(app: App, alice: ChatClient) -> None:
    app.models.say("Hello")
    tag = {"type": "input_tag", "id": "1", "text": "Berlin", "data": {}}
    content = {"content": [tag], "attachments": [], "inference_options": {}, "quoted_text": "Where?"}
    thread_id = (await alice.send("threads.create", input=content)).thread_id
    app.models.say("Still here")
    assert (await alice.say(thread_id, "And now?")).text == "Still here"
    call = app.models.model.last_call
    assert call is not None
    assert "@Berlin" in str(call.input)
