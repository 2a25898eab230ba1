"""The draft of a day's plan: written word by word into a widget, and kept as far as it was written."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import agents
import pytest

from chat_api.assistant.draft import MOST_TOLD
from chat_api.web.claims import HEADER
from chat_testing.app import App
from chat_testing.assistant import ask, calls, reloaded, tasks_of, told
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModel, PausingModels
from chat_testing.said import wait_until_said
from chat_testing.spent import USED, Make, used

RUN = "the-run-of-a-page-1"
DAY = "2026-12-01"
TEXT = "First call Bob, then rest."
WRITTEN = len(TEXT) // 4
"""Tokens of it, by estimate."""
WISHES = "Long. " * 1000
WISHED = len(WISHES) // 4


async def drafted(app: App, user: ChatClient) -> Answer:
    """A turn in which a draft is written."""
    calls(app, "draft_plan", day=DAY, wishes="In English")
    app.models.say(TEXT)
    app.models.say("There it is")
    return await user.create("Draft a plan for today")


def deltas(answer: Answer) -> list[str]:
    updates = [event["update"] for event in answer.of_type("thread.item.updated")]
    return [update["delta"] for update in updates if update["type"] == "widget.streaming_text.value_delta"]


def shown(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The text of the one draft."""
    [item] = [item for item in items if item["type"] == "widget"]
    [text] = [child for child in item["widget"]["children"] if child["type"] == "Markdown"]
    return dict(text)


async def test_draft_streams_into_a_widget_and_is_there_after_a_reload(app: App, alice: ChatClient) -> None:
    await tasks_of(app, "alice").add("Call Bob")
    answer = await drafted(app, alice)
    [added] = [event["item"] for event in answer.of_type("thread.item.added") if event["item"]["type"] == "widget"]
    assert added["widget"]["children"] == [
        {"type": "Caption", "value": f"Draft for {DAY}"},
        {"type": "Markdown", "id": "text", "value": "", "streaming": True},
    ]
    assert "".join(deltas(answer)) == TEXT
    assert shown(answer.items) == {"type": "Markdown", "id": "text", "value": TEXT, "streaming": False}
    assert await reloaded(alice, answer.thread_id) == answer.items
    assert answer.text == "There it is"
    assert told(app) == f"The user sees this draft, from 1 of 1 open tasks: {TEXT}"


async def test_writer_is_told_the_open_tasks_of_who_asks_and_of_nobody_else(app: App, alice: ChatClient) -> None:
    await tasks_of(app, "bob").add("A secret")
    mine, done = [await tasks_of(app, "alice").add(title) for title in ("Call Bob", "Rest")]
    await tasks_of(app, "alice").complete(done.id)
    await drafted(app, alice)
    writer = app.models.model.calls[1]
    assert mine.id in str(writer.input)
    assert done.id not in str(writer.input)
    assert "secret" not in str(app.models.model.calls)


async def test_writer_and_model_are_told_that_there_are_more_tasks_than_the_writer_is_told(
    app: App, alice: ChatClient
) -> None:
    tasks = tasks_of(app, "alice")
    added = [await tasks.add("Call Bob") for _ in range(MOST_TOLD + 2)]
    await drafted(app, alice)
    writer = str(app.models.model.calls[1].input)
    assert [task.id in writer for task in added] == [True] * MOST_TOLD + [False] * 2
    assert "100 of 102 open tasks: [" in writer
    assert told(app).startswith("The user sees this draft, from 100 of 102 open tasks: ")


async def test_writer_has_the_model_that_the_user_chose(app: App, alice: ChatClient) -> None:
    calls(app, "draft_plan", day=DAY, wishes="")
    app.models.say(TEXT)
    app.models.say("There it is")
    await alice.send("threads.create", input=message("Draft a plan", inference_options={"model": "thorough"}))
    assert app.models.names == ["gpt-5"] * 3


async def test_what_the_writer_used_counts_as_the_answer_s(make: Make) -> None:
    app = make()
    await drafted(app, app.user("alice"))
    total = await used(app)
    assert (total.usage.requests, total.usage.input) == (3, 3 * USED.input_tokens)


async def test_what_the_writer_used_counts_by_estimate_where_the_endpoint_does_not_tell(make: Make) -> None:
    app = make()
    app.models.model.set_default_usage(agents.Usage(requests=1))
    calls(app, "draft_plan", day=DAY, wishes="")
    for text in ("word " * 4000, "There it is"):
        app.models.say(text)
    await app.user("alice").create("Draft a plan")
    total = (await used(app)).usage
    assert total.requests == 3
    assert total.output > 5000


async def test_wrong_day_is_told_to_the_model_and_nothing_is_shown(app: App, alice: ChatClient) -> None:
    answer = await ask(app, alice, "draft_plan", day="tomorrow", wishes="")
    assert told(app).startswith("Nothing was done")
    assert [item["type"] for item in answer.items] == ["user_message", "assistant_message"]


@pytest.fixture
def pausing(make: Make) -> App:
    """An application whose model waits once it has said its words."""
    return make(PausingModels())


async def unfinished(app: App, ends: Callable[[PausingModel], Awaitable[None]]) -> tuple[Answer, list[dict[str, Any]]]:
    """A draft that is written as far as to its last word when something happens; and the thread after a reload."""
    model, alice = app.models.model, app.user("alice")
    assert isinstance(model, PausingModel)
    calls(app, "draft_plan", day=DAY, wishes=WISHES)
    app.models.say(TEXT)
    sent = json.dumps(request("threads.create", input=message("Draft a plan"))).encode()
    turn = asyncio.create_task(alice.post(sent, **{HEADER: RUN}))
    await model.said.wait()
    await wait_until_said(TEXT, app.table_name, app.dynamodb)
    await ends(model)
    answer = await turn
    return answer, await reloaded(alice, answer.thread_id)


@pytest.mark.parametrize("how", ["stopped", "failed"])
async def test_draft_that_is_not_finished_is_kept_as_far_as_it_was_written(pausing: App, how: str) -> None:
    async def end(model: PausingModel) -> None:
        if how == "stopped":
            await pausing.user("alice").post(json.dumps({"run": RUN}).encode(), path="/chatkit/stop")
        else:
            model.error = RuntimeError("no more")
            model.go_on.set()

    answer, items = await unfinished(pausing, end)
    assert answer.events[-1]["type"] == {"stopped": "notice", "failed": "error"}[how]
    assert shown(answer.items) == {"type": "Markdown", "id": "text", "value": TEXT, "streaming": False}
    assert items == answer.items
    total = (await used(pausing)).usage
    assert (total.requests, total.output) == (2, USED.output_tokens + WRITTEN)
    assert 0 < total.input - USED.input_tokens - WISHED < 100
    assert (await used(pausing, "bob")).usage.requests == 0


async def test_draft_that_takes_too_long_is_kept_and_the_answer_goes_on(make: Make) -> None:
    app = make(PausingModels(), tool_seconds=0.5)
    alice = app.user("alice")
    calls(app, "draft_plan", day=DAY, wishes=WISHES)
    app.models.say(TEXT)
    turn = asyncio.create_task(alice.create("Draft a plan"))
    model = app.models.model
    assert isinstance(model, PausingModel)
    await model.ended.wait()
    model.ended.clear()
    await model.ended.wait()
    model.go_on.set()
    app.models.say("It took too long")
    answer = await turn
    assert answer.text == "It took too long"
    assert shown(answer.items) == {"type": "Markdown", "id": "text", "value": TEXT, "streaming": False}
    items = await reloaded(alice, answer.thread_id)
    assert [item["type"] for item in items] == ["user_message", "widget", "assistant_message"]
    total = (await used(app)).usage
    assert (total.requests, total.output) == (3, 2 * USED.output_tokens + WRITTEN)
    assert 0 < total.input - 2 * USED.input_tokens - WISHED < 100
