"""Small scenarios that together have every request, event, item and update of the SDK, and a user who records them."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, override

from agents.testing import assistant_message
from chatkit.types import (
    CustomTask,
    EndOfTurnItem,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    TaskItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WidgetComponentUpdated,
)
from chatkit.widgets import DynamicWidgetComponent
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
from openai.types.responses.response_output_text import AnnotationURLCitation

from chat_api.toolkit.calls import ActionCall
from chat_api.web.claims import HEADER
from chat_testing.app import App
from chat_testing.assistant import calls, tasks_of
from chat_testing.builders import context, widget_item
from chat_testing.chat import Answer, ChatClient, message, request
from chat_testing.models import PausingModel
from chat_testing.said import wait_until_said
from chatkit_aws.store import DynamoDBStore


class Recorded(ChatClient):
    """A user, and the types of all that was asked and answered."""

    def __init__(self, app: App) -> None:
        """Alice, with nothing recorded."""
        super().__init__(app.http, app.issuer.mint("alice"))
        self._store = DynamoDBStore(app.table_name, app.dynamodb)
        self._threads: set[str] = set()
        self.types: set[str] = set()

    @override
    async def post(self, body: bytes, path: str | None = None, **headers: str) -> Answer:
        """As any user does."""
        answer = await super().post(body, path, **headers)
        if path is None and answer.status < 500:
            sent = json.loads(body)
            self.types.add(sent["type"])
            self._threads |= {sent["params"]["thread_id"]} if "thread_id" in sent["params"] else set()
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            self._note(answer)
        return answer

    def _note(self, answer: Answer) -> None:
        for event in answer.events:
            self.types |= {event["type"], event.get("update", event)["type"]}
        self._threads |= {event["thread"]["id"] for event in answer.of_type("thread.created")}

    async def kept(self) -> None:
        """Record what is stored of the threads, hidden items too."""
        user = context("alice", "default")
        for thread_id in self._threads:
            items = (await self._store.load_thread_items(thread_id, None, 100, "asc", user)).data
            self.types |= {item.type for item in items}


async def talk(app: App, user: Recorded) -> None:
    """A thread begins, goes on, is answered again after an answer that failed, is named, rated, listed."""
    app.models.model.enqueue(RuntimeError("no"))
    created = await user.create("Hello")
    place = {"thread_id": created.thread_id}
    app.models.say("Hi")
    again = await user.send("threads.retry_after_item", **place, item_id=created.items[0]["id"])
    app.models.say("Fine")
    await user.say(created.thread_id, "How are you?")
    await user.send("items.feedback", **place, item_ids=[again.items[-1]["id"]], kind="positive")
    await user.send("threads.update", **place, title="A talk")
    await user.send("threads.get_by_id", **place)
    await user.send("threads.list")
    await user.items(created.thread_id)


async def delete(app: App, user: Recorded) -> None:
    """A thread is deleted."""
    app.models.say("Hi")
    created = await user.create("Hello")
    user.types.clear()
    assert (await user.send("threads.delete", thread_id=created.thread_id)).status == 200


async def task_list(app: App, user: Recorded) -> None:
    """A list is shown while one is overdue, and used."""
    task = await tasks_of(app, "alice").add("Call Bob", date(2026, 1, 1))
    calls(app, "show_tasks")
    app.models.say("There")
    created = await user.create("Show my tasks")
    [item] = [item for item in created.items if item["type"] == "widget"]
    place = {"thread_id": created.thread_id, "item_id": item["id"]}
    toggled = {"type": "task.toggle", "payload": {"task_id": task.id, "done": True}}
    await user.send("threads.custom_action", **place, action=toggled)
    deleted = {"type": "task.delete", "payload": {"task_id": task.id}}
    assert (await user.send("threads.sync_custom_action", **place, action=deleted)).status == 200


async def task_form(app: App, user: Recorded) -> None:
    """A form is shown, and saved."""
    calls(app, "show_task_form", task_id=None)
    app.models.say("There")
    created = await user.create("I write it myself")
    [item] = [item for item in created.items if item["type"] == "widget"]
    saved = {"type": "task.save", "payload": {"title": "Call Bob"}}
    await user.send("threads.custom_action", thread_id=created.thread_id, item_id=item["id"], action=saved)


async def theme(app: App, user: Recorded) -> None:
    """The page is told to change its colours."""
    calls(app, "switch_theme", theme="dark")
    app.models.say("Dark")
    await user.create("Dark, please")


async def draft(app: App, user: Recorded) -> None:
    """A text streams into a widget."""
    calls(app, "draft_plan", day="2026-12-01", wishes="")
    app.models.say("First this")
    app.models.say("There")
    await user.create("Draft a plan")


async def week(app: App, user: Recorded) -> None:
    """Steps are shown as they are taken."""
    calls(app, "plan_week", today="2026-12-01")
    app.models.say("There")
    await user.create("Plan my week")


async def open_task(app: App, user: Recorded) -> None:
    """The page is asked for something, and answers."""
    calls(app, "open_task", task_id=(await tasks_of(app, "alice").add("Call Bob")).id)
    created = await user.create("Open it")
    app.models.say("It is open")
    output = await user.send("threads.add_client_tool_output", thread_id=created.thread_id, result={"opened": True})
    assert output.text == "It is open"


async def details(app: App, user: Recorded) -> None:
    """The user is asked, and answers."""
    calls(app, "ask_details", missing=["title"])
    created = await user.create("Add a task")
    app.models.say("Thanks")
    place = {"thread_id": created.thread_id, "item_id": created.items[-1]["id"]}
    given = {"answers": {"title": {"values": ["Call Bob"]}}}
    assert (await user.send("threads.add_structured_input", **place, input=given)).text == "Thanks"


async def stop(app: App, user: Recorded) -> None:
    """An answer is stopped in the middle."""
    app.models.say("Once upon a time")
    sent = json.dumps(request("threads.create", input=message("Tell me"))).encode()
    turn = asyncio.create_task(user.post(sent, **{HEADER: "the-run-of-a-page-1"}))
    assert isinstance(app.models.model, PausingModel)
    await app.models.model.said.wait()
    await wait_until_said("Once upon", app.table_name, app.dynamodb)
    await user.post(b'{"run": "the-run-of-a-page-1"}', "/chatkit/stop")
    await turn


async def cite(app: App, user: Recorded) -> None:
    """An answer cites a page."""
    source = AnnotationURLCitation(
        type="url_citation", url="https://example.com", title="A page", start_index=0, end_index=2
    )
    text = ResponseOutputText(type="output_text", text="So it is", annotations=[source])
    app.models.model.enqueue(
        [ResponseOutputMessage(id="msg_1", type="message", role="assistant", status="completed", content=[text])]
    )
    await user.create("Is it so?")


async def other_assistant(app: App, user: Recorded) -> None:
    """An assistant that does what the example does not."""
    app.models.model.enqueue([assistant_message("Hi", item_id="msg_1")])
    created = await user.create("Hello")
    action = {"type": "go", "payload": {}}
    assert (await user.send("threads.custom_action", thread_id=created.thread_id, action=action)).of_type("error") == []


async def go(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    """The action of `other_assistant`."""
    fields: dict[str, Any] = {"thread_id": call.thread.id, "created_at": call.thread.created_at}
    image = GeneratedImage(id="i", url="https://example.com/i.png")
    yield ThreadItemAddedEvent(item=GeneratedImageItem(id="img_1", **fields))
    yield ThreadItemUpdatedEvent(item_id="img_1", update=GeneratedImageUpdated(image=image, progress=0.5))
    yield ThreadItemDoneEvent(item=GeneratedImageItem(id="img_1", image=image, **fields))
    yield ThreadItemDoneEvent(item=widget_item(**fields))
    component = DynamicWidgetComponent.model_validate({"type": "Text", "id": "text", "value": "New"})
    yield ThreadItemUpdatedEvent(
        item_id="wid_1", update=WidgetComponentUpdated(component_id="text", component=component)
    )
    yield ThreadItemDoneEvent(item=TaskItem(id="task_1", task=CustomTask(title="Done"), **fields))
    yield ThreadItemDoneEvent(item=EndOfTurnItem(id="end_1", **fields))
    yield ThreadItemRemovedEvent(item_id="wid_1")
    call.thread.title = "Named"


async def not_offered(app: App, user: Recorded) -> None:
    """What the example has no use for is refused, and says so."""
    asked: dict[str, dict[str, Any]] = {
        "attachments.create": {"name": "a", "size": 1, "mime_type": "text/plain"},
        "attachments.delete": {"attachment_id": "a"},
        "input.transcribe": {"audio_base64": "YQ==", "mime_type": "audio/webm"},
    }
    for kind, params in asked.items():
        assert (await user.send(kind, **params)).status == 422
