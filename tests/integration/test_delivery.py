"""What a turn says is what the thread has: the SDK's own way, and what it leaves out."""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ClientEffectEvent,
    CustomTask,
    EndOfTurnItem,
    ErrorEvent,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    HiddenContextItem,
    NoticeEvent,
    ProgressUpdateEvent,
    SDKHiddenContextItem,
    SyncCustomActionResponse,
    TaskItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetComponentUpdated,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetComponent, DynamicWidgetRoot
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.calls import ActionCall
from chat_testing.app import App, application
from chat_testing.builders import assistant_message, context, user_message, widget_item, workflow_item
from chat_testing.chat import Answer
from chat_testing.scripted_server import ScriptedServer
from chat_testing.tokens import TokenIssuer
from chatkit_aws.store import DynamoDBStore

type Script = Callable[[ThreadMetadata], Sequence[ThreadStreamEvent | Exception]]
USER = context("alice", "default")
SECRET = "for the model only"


def events_of(script: Script) -> Callable[..., AsyncIterator[ThreadStreamEvent]]:
    async def act(thread: ThreadMetadata, *_: object) -> AsyncIterator[ThreadStreamEvent]:
        for event in script(thread):
            if isinstance(event, Exception):
                raise event
            yield event

    return act


class Stage:
    """A thread, and the application that carries out a script in it."""

    def __init__(self, app: App, store: DynamoDBStore, thread_id: str) -> None:
        self.app = app
        self.store = store
        self.thread_id = thread_id

    async def act(self, action: str = "go") -> Answer:
        sent = {"thread_id": self.thread_id, "action": {"type": action, "payload": {}}}
        return await self.app.user("alice").send("threads.custom_action", **sent)

    async def items(self) -> list[dict[str, Any]]:
        return await self.app.user("alice").items(self.thread_id)

    async def item(self, item_id: str) -> dict[str, Any]:
        [found] = [item for item in await self.items() if item["id"] == item_id]
        return found


@pytest.fixture
def stage(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> Callable[..., Any]:
    """The stage of a script."""

    async def set_up(script: Script, **actions_at_once: Any) -> Stage:
        def go(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
            return events_of(script)(call.thread)

        app = application(table_name, dynamodb, issuer, actions={"go": go}, actions_at_once=actions_at_once)
        app.models.say("Hi")
        return Stage(app, DynamoDBStore(table_name, dynamodb), (await app.user("alice").create()).thread_id)

    return set_up


def delta(text: str) -> AssistantMessageContentPartTextDelta:
    return AssistantMessageContentPartTextDelta(content_index=0, delta=text)


def message_by_words(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    item = assistant_message("", thread_id=thread.id)
    return [
        ThreadItemAddedEvent(item=item),
        *(ThreadItemUpdatedEvent(item_id=item.id, update=delta(word)) for word in ("One ", "two")),
        ThreadItemDoneEvent(item=assistant_message("One two", thread_id=thread.id)),
    ]


def widgets(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    return [
        ThreadItemAddedEvent(item=widget_item("Half", thread_id=thread.id)),
        ThreadItemDoneEvent(item=widget_item("Whole", thread_id=thread.id)),
        ThreadItemReplacedEvent(item=widget_item("Another", thread_id=thread.id)),
        ThreadItemDoneEvent(item=assistant_message("Gone", thread_id=thread.id)),
        ThreadItemRemovedEvent(item_id="msg_2"),
    ]


def work(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    tasks = [CustomTask(title="Looking"), CustomTask(title="Found")]
    return [
        ThreadItemAddedEvent(item=workflow_item(thread_id=thread.id)),
        ThreadItemUpdatedEvent(item_id="wf_1", update=WorkflowTaskAdded(task=tasks[0], task_index=0)),
        ThreadItemUpdatedEvent(item_id="wf_1", update=WorkflowTaskUpdated(task=tasks[1], task_index=0)),
        ThreadItemDoneEvent(item=workflow_item(tasks[1], thread_id=thread.id)),
    ]


def other_items(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    fields = {"thread_id": thread.id, "created_at": thread.created_at}
    image = GeneratedImage(id="i", url="https://example.com/i.png")
    return [
        ThreadItemAddedEvent(item=GeneratedImageItem(id="img_1", **fields)),
        ThreadItemUpdatedEvent(item_id="img_1", update=GeneratedImageUpdated(image=image, progress=0.5)),
        ThreadItemDoneEvent(item=GeneratedImageItem(id="img_1", image=image, **fields)),
        ThreadItemDoneEvent(item=TaskItem(id="task_1", task=CustomTask(title="Done"), **fields)),
        ThreadItemDoneEvent(item=HiddenContextItem(id="hidden_1", content=SECRET, **fields)),
        ThreadItemDoneEvent(item=EndOfTurnItem(id="end_1", **fields)),
    ]


def passing_events(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    return [
        ProgressUpdateEvent(text="Working"),
        ClientEffectEvent(name="switch_theme", data={"theme": "dark"}),
        NoticeEvent(level="info", message="Beware"),
        ErrorEvent(message="No", allow_retry=False),
    ]


def change_of_title(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
    thread.title = "Named"
    thread.allowed_image_domains = ["example.com"]
    thread.metadata["private"] = SECRET
    return [ProgressUpdateEvent(text="Named it")]


@pytest.mark.parametrize(
    "script", [message_by_words, widgets, work, other_items, passing_events, change_of_title], ids=lambda f: f.__name__
)
async def test_events_and_items_are_those_of_the_sdk_where_it_leaves_nothing_out(
    stage: Callable[..., Any], script: Script
) -> None:
    ours: Stage = await stage(script)
    theirs: Stage = await stage(script)
    server = ScriptedServer(theirs.store, act=events_of(script))
    action = {"type": "go", "payload": {}}
    expected = await server.stream("threads.custom_action", USER, thread_id=theirs.thread_id, action=action)
    assert anonymous((await ours.act()).events) == anonymous(expected)
    assert anonymous(await ours.items()) == anonymous(await theirs.items())


def anonymous(found: Any) -> Any:
    """The same without what differs from thread to thread, and the zone that is ours."""
    text = re.sub(r'"(thread_id|created_at)": "[^"]*"', r'"\1": ""', json.dumps(found))
    return json.loads(re.sub(r'"(thr|msg)_[0-9A-Za-z]{10,}"', '"an id"', text))


@pytest.mark.parametrize("kind", [HiddenContextItem, SDKHiddenContextItem])
async def test_hidden_item_never_leaves_however_it_is_announced(stage: Callable[..., Any], kind: type) -> None:
    def script(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
        item = kind(id="hid_1", thread_id=thread.id, created_at=thread.created_at, content=SECRET)
        return [
            ThreadItemAddedEvent(item=item),
            ThreadItemUpdatedEvent(item_id="hid_1", update=delta(SECRET)),
            ThreadItemDoneEvent(item=item),
            ThreadItemReplacedEvent(item=item),
            ThreadItemRemovedEvent(item_id="hid_1"),
            ThreadItemDoneEvent(item=item),
        ]

    on: Stage = await stage(script)
    answer = await on.act()
    assert [event["type"] for event in answer.events] == ["stream_options"]
    assert SECRET not in json.dumps(await on.items())
    stored = (await on.store.load_thread_items(on.thread_id, None, 10, "asc", USER)).data
    assert "hid_1" in [item.id for item in stored]


TEXT: dict[str, Any] = {"type": "Text", "id": "text", "value": "First", "streaming": True}


def card(*children: dict[str, Any]) -> DynamicWidgetRoot:
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": list(children)})


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (WidgetRootUpdated(widget=card({**TEXT, "value": "All new"})), {**TEXT, "value": "All new"}),
        (
            WidgetComponentUpdated(
                component_id="text", component=DynamicWidgetComponent.model_validate({**TEXT, "value": "Part new"})
            ),
            {**TEXT, "value": "Part new"},
        ),
        (
            WidgetStreamingTextValueDelta(component_id="text", delta=" and last", done=True),
            {**TEXT, "value": "First and last", "streaming": False},
        ),
        (WidgetStreamingTextValueDelta(component_id="unknown", delta="?", done=True), TEXT),
    ],
    ids=["root", "component", "text", "unknown"],
)
@pytest.mark.parametrize("is_done", [True, False])
async def test_update_of_a_widget_is_there_after_a_reload(
    stage: Callable[..., Any], update: Any, text: dict[str, Any], is_done: bool
) -> None:
    def script(thread: ThreadMetadata) -> list[ThreadStreamEvent | Exception]:
        item = widget_item(thread_id=thread.id, widget=card(TEXT))
        change = ThreadItemUpdatedEvent(item_id=item.id, update=update)
        if is_done:
            return [ThreadItemDoneEvent(item=item), change]
        return [ThreadItemAddedEvent(item=item), change, RuntimeError("in the middle")]

    on: Stage = await stage(script)
    await on.act()
    # Nothing is added any more to what an answer that failed has left.
    expected = text if is_done else {**text, "streaming": False}
    assert (await on.item("wid_1"))["widget"]["children"] == [expected]


async def test_update_of_an_item_that_is_not_there_does_not_end_the_turn(stage: Callable[..., Any]) -> None:
    update = ThreadItemUpdatedEvent(item_id="wid_never", update=WidgetRootUpdated(widget=card(TEXT)))
    on: Stage = await stage(lambda _: [update, NoticeEvent(level="info", message="Still here")])
    assert [event["type"] for event in (await on.act()).events][1:] == ["thread.item.updated", "notice"]


async def test_failure_keeps_the_workflow_that_was_shown_and_closes_it(stage: Callable[..., Any]) -> None:
    on: Stage = await stage(lambda thread: [*work(thread)[:2], RuntimeError("in the middle")])
    answer = await on.act()
    assert [event["type"] for event in answer.events[-2:]] == ["thread.item.done", "error"]
    workflow = (await on.item("wf_1"))["workflow"]
    assert [task["title"] for task in workflow["tasks"]] == ["Looking"]
    assert workflow["expanded"] is False
    assert "duration" in workflow["summary"]


async def test_item_that_an_action_at_once_gives_back_is_stored(stage: Callable[..., Any]) -> None:
    async def check_off(call: ActionCall) -> SyncCustomActionResponse:
        assert call.sender is not None
        changed = call.sender.model_copy(update={"widget": card({**TEXT, "value": "Checked"})})
        return SyncCustomActionResponse(updated_item=changed)

    on: Stage = await stage(
        lambda thread: [ThreadItemDoneEvent(item=widget_item(thread_id=thread.id))], check=check_off
    )
    await on.act()
    sent = {"thread_id": on.thread_id, "item_id": "wid_1", "action": {"type": "check", "payload": {}}}
    answer = await on.app.user("alice").send("threads.sync_custom_action", **sent)
    assert answer.json["updated_item"]["widget"]["children"][0]["value"] == "Checked"
    assert (await on.item("wid_1"))["widget"] == answer.json["updated_item"]["widget"]


def hidden_item(thread: ThreadMetadata, number: int, created_at: datetime) -> HiddenContextItem:
    return HiddenContextItem(id=f"hid_{number:02}", thread_id=thread.id, created_at=created_at, content=SECRET)


@pytest.mark.parametrize("limit", [1, 2, 3, 20])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_are_full_of_visible_items_and_never_empty(
    stage: Callable[..., Any], limit: int, order: str
) -> None:
    def script(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
        """Every sixth is visible, and the last ones are hidden."""
        times = [thread.created_at + timedelta(hours=1, seconds=n) for n in range(30)]
        seen = [user_message(id=f"seen_{n:02}", thread_id=thread.id, created_at=times[n]) for n in range(0, 30, 6)]
        hidden = [hidden_item(thread, n, times[n]) for n in range(30) if n % 6]
        return [ThreadItemDoneEvent(item=item) for item in (*seen, *hidden)]

    on: Stage = await stage(script)
    await on.act()
    alice, after, found, sizes = on.app.user("alice"), None, [], []
    while True:
        asked = {"thread_id": on.thread_id, "order": order, "limit": limit, **({"after": after} if after else {})}
        page = (await alice.send("items.list", **asked)).json
        found += [item["id"] for item in page["data"]]
        sizes.append(len(page["data"]))
        after = page.get("after")
        if not page["has_more"]:
            break
    whole = [item["id"] for item in await on.items()]
    assert found == (whole if order == "asc" else whole[::-1])
    assert len(found) == 7
    assert all(size == limit for size in sizes[:-1])
    assert sizes[-1] > 0


async def test_thread_is_opened_with_a_full_page_of_visible_items(stage: Callable[..., Any]) -> None:
    def script(thread: ThreadMetadata) -> list[ThreadStreamEvent]:
        hidden = [hidden_item(thread, n, thread.created_at) for n in range(30)]
        last = user_message(id="z", thread_id=thread.id, created_at=thread.created_at + timedelta(hours=1))
        return [ThreadItemDoneEvent(item=item) for item in (*hidden, last)]

    on: Stage = await stage(script)
    await on.act()
    thread = (await on.app.user("alice").send("threads.get_by_id", thread_id=on.thread_id)).json
    assert [item["type"] for item in thread["items"]["data"]] == ["user_message", "assistant_message", "user_message"]
    assert thread["items"]["has_more"] is False
