"""Tools that the model asks for at once: ours take turns, in its order, and what each shows is whole."""

import asyncio
from typing import Any

import pytest
from agents import Agent, Tool, function_tool
from agents.testing import assistant_message, function_call
from chatkit.agents import AgentContext
from mcp.server.fastmcp import FastMCP
from ulid import ULID

from chat_api.assistant import week
from chat_api.assistant.run import Run, progress
from chat_api.mcp_servers import McpServer
from chat_testing.app import App, application
from chat_testing.assistant import given, reloaded, tasks_of
from chat_testing.chat import Answer, ChatClient
from chat_testing.spent import Make
from chat_testing.web import serving_here
from chatkit_aws.context import RequestContext

TODAY = "2026-12-01"
SHOWING: dict[str, dict[str, Any]] = {
    "show_tasks": {},
    "show_task_form": {"task_id": None},
    "draft_plan": {"day": TODAY, "wishes": ""},
    "add_task": {"title": "Rest", "due_date": None},
}


def call(tool: str, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"call_{ULID()}", item_id=f"fc_{ULID()}")


async def answered(app: App, *at_once: Any, written: tuple[str, ...] = ()) -> Answer:
    """The answer, in which these calls are made at once; meanwhile others are `written` by a tool's own agent."""
    app.models.model.enqueue([*at_once])
    for text in (*written, "Done"):
        app.models.say(text)
    return await app.user("alice").create("Do all that")


def steps(answer: Answer) -> list[int]:
    return [len(item["workflow"]["tasks"]) for item in answer.items if item["type"] == "workflow"]


def outputs(app: App) -> list[str]:
    """What the model was told by each tool, in the order of the calls."""
    last = app.models.model.last_call
    assert last is not None
    return [str(item["output"]) for item in last.input if isinstance(item, dict) and "output" in item]


@pytest.mark.parametrize("other", SHOWING)
@pytest.mark.parametrize("is_first", [True, False])
async def test_workflow_is_whole_beside_what_else_is_shown(
    app: App, alice: ChatClient, other: str, is_first: bool
) -> None:
    both = [call("plan_week", today=TODAY), call(other, **SHOWING[other])]
    answer = await answered(app, *(both if is_first else both[::-1]), written=("Rest",) * (other == "draft_plan"))
    assert answer.text == "Done"
    assert steps(answer) == [3]
    assert [output.startswith("Proposed") for output in outputs(app)] == ([True, False] if is_first else [False, True])
    assert await reloaded(alice, answer.thread_id) == answer.items


async def test_two_workflows_are_one_after_the_other(app: App, alice: ChatClient) -> None:
    answer = await answered(app, call("plan_week", today=TODAY), call("plan_week", today="2026-12-08"))
    assert answer.text == "Done"
    assert steps(answer) == [3, 3]
    assert "loading" not in str(answer.items)
    assert await reloaded(alice, answer.thread_id) == answer.items


async def test_later_calls_find_what_those_before_have_done(app: App) -> None:
    titles = [f"Task {number}" for number in range(4)]
    await answered(app, *(call("add_task", title=title, due_date=None) for title in titles), call("show_tasks"))
    shown = outputs(app)[-1]
    assert all(title in shown for title in titles)
    assert [task.title for task in await tasks_of(app, "alice").all()] == titles


def agent(*tools: Tool) -> Agent[AgentContext[RequestContext]]:
    return Agent[AgentContext[RequestContext]](name="a", instructions="b", model="c", tools=[*tools])


async def test_tools_of_an_agent_that_is_a_tool_take_turns_too(make: Make) -> None:
    planner = agent(week.plan_week)
    app = make(agent=agent(planner.as_tool("plan", "Plan."), week.plan_week))
    model = app.models.model
    model.enqueue([call("plan", input="Two weeks"), call("plan_week", today=TODAY)])
    model.enqueue([call("plan_week", today=TODAY), call("plan_week", today="2026-12-08")])
    model.enqueue([assistant_message("Both are planned", item_id="msg_1")])
    app.models.say("Done")
    answer = await app.user("alice").create("Plan")
    assert answer.text == "Done"
    assert steps(answer) == [3, 3, 3]


async def test_wait_for_another_tool_is_not_of_the_time_that_a_tool_has(make: Make) -> None:
    limit = 1.0

    @function_tool(timeout=60)
    async def slow(run: Run) -> str:
        """Take longer than the other one may."""
        await asyncio.sleep(1.5 * limit)
        return "slow"

    @function_tool
    async def quick(run: Run) -> str:
        """Take no time."""
        await progress(run, "clock", "Quick")
        return "quick"

    app = make(agent=agent(slow, quick), tool_seconds=limit)
    await answered(app, call("slow"), call("quick"))
    assert outputs(app) == ["slow", "quick"]


async def test_tool_that_runs_out_of_time_holds_up_nobody(make: Make) -> None:
    @function_tool(timeout=0.1)
    async def hang(run: Run) -> str:
        """Never end."""
        await asyncio.Event().wait()
        return ""

    app = make(agent=agent(hang, week.plan_week))
    answer = await answered(app, call("hang"), call("plan_week", today=TODAY))
    assert steps(answer) == [3]
    assert "timed out" in given(app)


async def test_tool_that_fails_ends_the_answer_before_those_after_it_begin(make: Make) -> None:
    @function_tool(failure_error_function=None)
    async def fail(run: Run) -> str:
        """Fail."""
        raise RuntimeError("no")

    app = make(agent=agent(fail, week.plan_week))
    answer = await answered(app, call("fail"), call("plan_week", today=TODAY))
    assert answer.events[-1]["type"] == "error"
    assert steps(answer) == []


class Meeting:
    """A server whose tool ends when as many are called at once as were to come."""

    def __init__(self, parties: int) -> None:
        self._barrier = asyncio.Barrier(parties)
        self.server = FastMCP("meeting")
        self.server.tool(structured_output=False)(self.meet)

    async def meet(self) -> str:
        """Wait for the others."""
        async with self._barrier:
            return "met"


@pytest.mark.parametrize("with_ours", [False, True])
async def test_tools_of_servers_run_at_once_where_none_of_ours_is_among_them(app: App, with_ours: bool) -> None:
    meeting = Meeting(1 if with_ours else 2)
    async with serving_here(meeting.server.streamable_http_app(), lifespan="on") as port:
        said = {"name": "x", "url": f"http://127.0.0.1:{port}/mcp", "tools": ["meet"], "private": True}
        servers = (McpServer.model_validate(said),)
        met = application(app.table_name, app.dynamodb, app.issuer, mcp_servers=servers, mcp_seconds=5)
        ours = [call("plan_week", today=TODAY)] * with_ours
        answer = await answered(met, call("x__meet"), *ours, call("x__meet"))
        await met.close()
    assert steps(answer) == [3] * with_ours
    assert sum("met" in output for output in outputs(met)) == 2
