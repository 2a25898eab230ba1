"""Alice and Bob do the same at the same time, each with what is theirs and with the other's: nothing crosses over.

What the assistant can do is enumerated, so that nothing new is left out. What is refused is compared with what is said
to an id that never was, by the bytes of the answers and by what the model is told.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import quote

import pytest
from agents.testing import function_call
from types_boto3_dynamodb.client import DynamoDBClient
from ulid import ULID

from chat_api.assistant.actions import ACTIONS, ACTIONS_AT_ONCE
from chat_api.assistant.agent import IMAGES, build_agent
from chat_api.mcp_servers import McpServer
from chat_api.server.approvals import asking
from chat_api.web.claims import HEADER
from chat_testing import approving, mcp
from chat_testing.app import application
from chat_testing.assistant import reloaded
from chat_testing.chat import Answer, message, request
from chat_testing.tokens import TokenIssuer
from chat_testing.two_users import NEVER, TITLE, Person, TwoModels, TwoUsers, alike, two_users
from chat_testing.web import serving_here
from chatkit_aws.store import DynamoDBStore
from task_tools.server import TaskServer

TASK = "<a task's id>"
TOOLS: dict[str, dict[str, Any]] = {
    "show_tasks": {},
    "add_task": {"title": TITLE, "due_date": None},
    "list_tasks": {"open_only": False, "containing": "the"},
    "complete_task": {"task_id": TASK, "done": True},
    "update_task": {"task_id": TASK, "title": "Call again", "due_date": None, "remove_due_date": True},
    "delete_task": {"task_id": TASK},
    "show_task_form": {"task_id": TASK},
    "current_time": {"time_zone": "UTC"},
    "plan_week": {"today": "2026-12-01"},
    "draft_plan": {"day": "2026-12-01", "wishes": ""},
    "ask_details": {"missing": ["title"]},
    "open_task": {"task_id": TASK},
    "switch_theme": {"theme": "dark"},
}
WAITING = {"delete_task", "open_task", "ask_details"}
TELL_ALL = {"show_tasks", "list_tasks", "plan_week", "draft_plan"}
ABOUT_A_TASK = [tool for tool, arguments in TOOLS.items() if "task_id" in arguments]
"""The tools: what they are called with; those after which the answer waits; those that tell every task."""


@pytest.fixture
async def two(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[TwoUsers]:
    app = application(table_name, dynamodb, issuer, TwoModels())
    async with app.http:
        yield await two_users(app)


def arguments_of(tool: str, task_id: str) -> dict[str, Any]:
    return {name: task_id if value == TASK else value for name, value in TOOLS[tool].items()}


async def use(me: Person, tool: str) -> Answer:
    """A tool with a task of one's own; a draft has a writer, who says something too."""
    says = 0 if tool in WAITING else 2 if tool == "draft_plan" else 1
    return await me.ask(tool, arguments_of(tool, me.task.id), says)


@dataclass(frozen=True)
class Ids:
    """What a request may name: a thread, the question in it, what a tool has left there, a task, an approval."""

    thread: str
    question: str
    item: str
    task: str
    approval: str

    @classmethod
    def of(cls, me: Person, answer: Answer) -> "Ids":
        """Of an answer; its last item is the approval where none is asked for."""
        left = next((item for item in answer.items[1:] if item["type"] != "assistant_message"), answer.items[-1])
        asks = asking.ACTION in str(left)
        approval = approving.buttons(answer)[0]["onClickAction"]["payload"]["approval"] if asks else left["id"]
        return cls(answer.thread_id, answer.items[0]["id"], left["id"], me.task.id, approval)

    def but(self, other: "Ids", which: str) -> "Ids":
        """These, but one of another's, or all."""
        return other if which == "all" else replace(self, **{which: getattr(other, which)})


NAMES = [field.name for field in fields(Ids)]
NOBODYS = Ids(*(f"{kind}_{NEVER}" for kind in ("thr", "msg", "msg", "rec", "tc")))


@dataclass(frozen=True)
class Request:
    """A request about what a tool has left: the body with names of `Ids` for ids, and whether the model goes on."""

    tool: str
    params: dict[str, Any]
    kind: str = "threads.custom_action"
    path: str | None = None
    goes_on: bool = False

    def body(self, ids: Ids) -> bytes:
        """The body with these ids."""
        plain = json.dumps(self.params if self.path else request(self.kind, **self.params))
        for name in NAMES:
            plain = plain.replace(f'"<{name}>"', json.dumps(getattr(ids, name)))
        return plain.encode()

    def names(self, which: str) -> bool:
        """Whether it has such an id."""
        return which == "all" or f"<{which}>" in str(self.params)

    async def send(self, me: Person, ids: Ids) -> Answer:
        """Send it."""
        return await me.client.post(self.body(ids), path=self.path)


def acts(action: str, tool: str, *, goes_on: bool = False, **payload: Any) -> Request:
    """The use of a widget."""
    kind = "threads.sync_custom_action" if action in ACTIONS_AT_ONCE else "threads.custom_action"
    used = {"type": action, "payload": payload}
    return Request(tool, {"thread_id": "<thread>", "item_id": "<item>", "action": used}, kind, goes_on=goes_on)


def asks(operation: str, tool: str, /, *, goes_on: bool = False, **params: Any) -> Request:
    """Another request about a thread."""
    return Request(tool, {"thread_id": "<thread>", **params}, operation, goes_on=goes_on)


ANSWERS = {"status": "answered", "answers": {"title": {"values": [TITLE]}}}
USES = {
    "task.toggle": acts("task.toggle", "show_tasks", task_id="<task>", done=True),
    "task.delete": acts("task.delete", "show_tasks", task_id="<task>"),
    "task.edit": acts("task.edit", "show_task_form", task_id="<task>"),
    "task.save": acts("task.save", "show_task_form", task_id="<task>", title="Call again"),
    "approval.answer": acts("approval.answer", "delete_task", goes_on=True, approval="<approval>", approved=True),
}
REQUESTS = {
    **USES,
    "output": asks("threads.add_client_tool_output", "open_task", goes_on=True, result={"opened": True}),
    "answers": asks("threads.add_structured_input", "ask_details", goes_on=True, item_id="<item>", input=ANSWERS),
    "feedback": asks("items.feedback", "list_tasks", item_ids=["<item>"], kind="positive"),
    "retry": asks("threads.retry_after_item", "list_tasks", goes_on=True, item_id="<question>"),
    "message": asks("threads.add_user_message", "list_tasks", goes_on=True, input=message("Go on")),
    "rename": asks("threads.update", "list_tasks", title="A title"),
    "items": asks("items.list", "show_tasks"),
    "page": asks("items.list", "show_tasks", after="<item>"),
    "thread": asks("threads.get_by_id", "show_tasks"),
    "stop": Request("list_tasks", {"thread_id": "<thread>"}, path="/chatkit/stop"),
    "resume": Request("list_tasks", {"thread_id": "<thread>"}, path="/chatkit/resume"),
    "delete": asks("threads.delete", "show_tasks"),
}


def test_every_tool_and_action_is_tried_here() -> None:
    # Whose images are is tried where there is a bucket, in `test_images.py`.
    assert {*TOOLS, IMAGES.name} == {tool.name for tool in build_agent("a-model", images=True).tools}
    assert set(USES) == {*ACTIONS, *ACTIONS_AT_ONCE, asking.ACTION}
    schemas = {tool.name: str(getattr(tool, "params_json_schema", "")) for tool in build_agent("a-model").tools}
    assert [name for name in TOOLS if "_id" in schemas[name]] == ABOUT_A_TASK


@pytest.mark.parametrize("tool", TOOLS)
async def test_tool_that_both_use_at_once_is_each_one_s_own(two: TwoUsers, tool: str) -> None:
    async def ask(me: Person, _: Person) -> None:
        await use(me, tool)
        assert (me.secret in me.heard) == (tool in TELL_ALL)

    await two.both(ask)
    await two.assert_apart()


@pytest.mark.parametrize("tool", ABOUT_A_TASK)
async def test_tool_finds_the_other_s_task_as_little_as_one_that_never_was(two: TwoUsers, tool: str) -> None:
    before = [await person.tasks.all() for person in (two.alice, two.bob)]

    async def ask(me: Person, other: Person) -> None:
        looks = []
        for task_id in (other.task.id, NOBODYS.task):
            me.forget()
            await me.ask(tool, arguments_of(tool, task_id))
            looks.append(alike(me.heard))
        assert looks[0] == looks[1]
        assert "there is no task with this id" in looks[0]
        assert other.secret not in me.heard

    await two.both(ask)
    assert [await person.tasks.all() for person in (two.alice, two.bob)] == before


async def kept(two: TwoUsers, ids: dict[str, Ids]) -> list[Any]:
    """Both users' tasks, and what is in the threads, but for how widgets look."""
    found: list[Any] = []
    for person in (two.alice, two.bob):
        items = await reloaded(person.client, ids[person.name].thread)
        found += [await person.tasks.all(), [(item["id"], item.get("status")) for item in items]]
    return found


@pytest.mark.parametrize("name", REQUESTS)
async def test_request_about_the_other_s_is_as_about_what_never_was_and_one_s_own_is_as_before(
    two: TwoUsers, name: str
) -> None:
    asked, ids = REQUESTS[name], dict[str, Ids]()

    async def prepare(me: Person, _: Person) -> None:
        ids[me.name] = Ids.of(me, await use(me, asked.tool))

    async def try_others(me: Person, other: Person) -> None:
        for which in filter(asked.names, [*NAMES, "all"]):
            looks = []
            for whose in (ids[other.name], NOBODYS):
                me.forget()
                await asked.send(me, ids[me.name].but(whose, which))
                looks.append(alike(me.heard))
            assert looks[0] == looks[1], which
            assert other.secret not in me.heard

    async def use_own(me: Person, _: Person) -> None:
        me.forget()
        if asked.goes_on:
            me.says()
        answer = await asked.send(me, ids[me.name])
        assert answer.status in (200, 202)
        assert b'"error"' not in answer.body
        if name != "delete":
            await reloaded(me.client, ids[me.name].thread)

    await two.both(prepare)
    before = await kept(two, ids)
    await two.both(try_others)
    assert await kept(two, ids) == before
    await two.both(use_own)
    await two.assert_apart()


async def titles(me: Person, query: str) -> list[str]:
    found = await me.client.get(f"/chatkit/entities?query={quote(query)}")
    return [entity["title"] for entity in found.json["entities"]]


async def test_entities_that_both_look_for_with_the_same_words_are_their_own(two: TwoUsers) -> None:
    async def look(me: Person, other: Person) -> None:
        assert await titles(me, "") == [TITLE, me.secret]
        assert await titles(me, "the") == [TITLE, me.secret]
        await me.client.get(f"/chatkit/entities/{me.task.id}/preview")
        await name_it(me, me.task.id)
        assert me.task.id in me.heard

    await two.both(look)
    await two.assert_apart()


async def name_it(me: Person, entity_id: str) -> Answer:
    me.says()
    tag = {"type": "input_tag", "id": entity_id, "text": "it", "data": {}}
    return await me.client.send("threads.create", input={"content": [tag], "attachments": [], "inference_options": {}})


async def test_entity_of_the_other_is_as_one_that_never_was(two: TwoUsers) -> None:
    async def look(me: Person, other: Person) -> None:
        assert await titles(me, other.secret) == []
        looks = []
        for entity_id in (other.task.id, NOBODYS.task):
            me.forget()
            await me.client.get(f"/chatkit/entities/{entity_id}/preview")
            await name_it(me, entity_id)
            looks.append(alike(me.heard))
        assert looks[0] == looks[1]
        assert "no longer there" in looks[0]

    await two.both(look)


async def test_what_one_chooses_is_not_what_the_other_gets(two: TwoUsers) -> None:
    options = {"alice": {"model": "thorough", "tool_choice": {"id": "show"}}, "bob": {}}

    async def choose(me: Person, _: Person) -> Answer:
        await me.client.get("/chatkit/choices")
        me.model.enqueue([function_call("show_tasks", {}, call_id=f"call_{ULID()}", item_id=f"fc_{ULID()}")])
        me.says()
        return await me.client.send("threads.create", input=message("Do it", inference_options=options[me.name]))

    answers = await two.both(choose)
    assert [set(two.models.chosen[name]) for name in ("alice", "bob")] == [{"gpt-5"}, {"test-model"}]
    forced = [[call.model_settings.tool_choice for call in person.model.calls] for person in (two.alice, two.bob)]
    assert forced == [["show_tasks", None], [None, None]]
    assert [answer.items[0]["inference_options"].get("model") for answer in answers] == ["thorough", None]


@pytest.mark.parametrize("by", ["run", "thread_id"])
async def test_stop_of_runs_of_one_name_is_each_one_s_own(two: TwoUsers, by: str) -> None:
    """Both begin a run of the same name, with the same body; Alice tries Bob's thread, and stops her own run."""
    body, run = json.dumps(request("threads.create", input=message("Do it"))).encode(), "the-run-of-a-page-1"
    looks: list[str] = []

    async def speak(me: Person, _: Person) -> Answer:
        me.model.go_on.clear()
        me.says()
        return await me.client.post(body, **{HEADER: run})

    async def stop(**named: str) -> Answer:
        return await two.alice.client.post(json.dumps(named).encode(), path="/chatkit/stop")

    speaking = asyncio.create_task(two.both(speak))
    async with asyncio.timeout(30):
        for person in (two.alice, two.bob):
            await person.model.said.wait()
    [hers], [his] = [(await person.client.send("threads.list")).json["data"] for person in (two.alice, two.bob)]
    for thread_id in (his["id"], NOBODYS.thread):
        two.alice.forget()
        await stop(thread_id=thread_id)
        await two.alice.client.post(json.dumps({"thread_id": thread_id}).encode(), path="/chatkit/resume")
        looks.append(alike(two.alice.heard))
    await stop(**({"run": run} if by == "run" else {"thread_id": hers["id"]}))
    await two.alice.model.ended.wait()
    assert not two.bob.model.ended.is_set()
    two.bob.model.go_on.set()
    stopped, whole = await speaking
    assert looks[0] == looks[1]
    assert [event["message"] for event in stopped.of_type("notice")] == ["The answer was stopped."]
    assert (whole.text, whole.of_type("notice")) == (TITLE, [])
    for person, answer in ((two.alice, stopped), (two.bob, whole)):
        assert (await person.client.post(body, **{HEADER: run})).body == answer.body
        resumed = json.dumps({"thread_id": answer.thread_id}).encode()
        assert (await person.client.post(resumed, path="/chatkit/resume")).body == answer.body


@pytest.fixture
async def through_mcp(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[TwoUsers]:
    """The assistant has the tools of the stack's own server too, with its user's token."""
    served = mcp.task_tools(table_name, dynamodb, issuer)
    async with serving_here(served, lifespan="on") as port:
        url = f"http://127.0.0.1:{port}/mcp"
        server = McpServer.model_validate(
            {"name": "tasks", "url": url, "tools": MCP_TOOLS, "private": True, "caller_token": True}
        )
        app = application(table_name, dynamodb, issuer, TwoModels(), mcp_servers=(server,))
        try:
            yield await two_users(app)
        finally:
            await app.close()


MCP_TOOLS = ("add_task", "list_tasks", "complete_task", "update_task", "delete_task")


async def test_every_mcp_tool_is_tried_here(two: TwoUsers, table_name: str, dynamodb: DynamoDBClient) -> None:
    server = TaskServer(DynamoDBStore(table_name, dynamodb))
    assert {tool.name for tool in await server.list_tools()} == set(MCP_TOOLS)


@pytest.mark.parametrize("tool", MCP_TOOLS)
async def test_mcp_tool_that_both_have_the_assistant_use_is_each_one_s_own(through_mcp: TwoUsers, tool: str) -> None:
    before = [await person.tasks.all() for person in (through_mcp.alice, through_mcp.bob)]

    async def try_others(me: Person, other: Person) -> None:
        looks = []
        for task_id in (other.task.id, NOBODYS.task):
            me.forget()
            await me.ask(f"tasks__{tool}", arguments_of(tool, task_id))
            looks.append(alike(me.heard))
        assert looks[0] == looks[1]
        assert "there is no task with this id" in looks[0]

    async def use_own(me: Person, _: Person) -> None:
        me.forget()
        await me.ask(f"tasks__{tool}", arguments_of(tool, me.task.id))
        assert (me.secret in me.heard) == (tool in TELL_ALL)

    if tool in ABOUT_A_TASK:
        await through_mcp.both(try_others)
        assert [await person.tasks.all() for person in (through_mcp.alice, through_mcp.bob)] == before
    await through_mcp.both(use_own)
    await through_mcp.assert_apart()
