"""How long the parts of a turn may take, how many there may be, and how much of its thread the model is shown."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from agents import Agent, FunctionTool, Handoff, RunContextWrapper, function_tool, handoff
from agents.mcp import MCPServerStreamableHttp
from agents.testing import assistant_message, function_call
from chatkit.agents import AgentContext
from mcp.server.fastmcp import FastMCP
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.assistant.clock import current_time
from chat_testing.app import App, application
from chat_testing.chat import Answer, message
from chat_testing.deadlines import ending_in
from chat_testing.failures import Expected, logged
from chat_testing.models import PausingModels
from chat_testing.tokens import TokenIssuer
from chat_testing.web import serving_here
from chatkit_aws.context import RequestContext

SECONDS = 0.2
TEXT = "What there is of the answer"
SECRET = "a secret of the user's"
STEPS = Expected("max_turns", "The answer took too many steps.", retry=True)
DEADLINE = Expected("deadline", "The answer took too long.", retry=True)

type ChatAgent = Agent[AgentContext[RequestContext]]


class Hanging:
    """A tool that never ends by itself; `cancelled` is set when it is ended."""

    def __init__(self, name: str = "hang", **options: Any) -> None:
        self.started, self.cancelled = asyncio.Event(), asyncio.Event()

        async def hang(run: RunContextWrapper[AgentContext[RequestContext]]) -> str:
            """Hang."""
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
            return "never"

        self.tool = function_tool(hang, name_override=name, **options)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with logged() as stream:
        yield stream


@pytest.fixture
async def apps(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Any]:
    """Makes applications over the test's table."""
    made: list[App] = []

    def make(by: ChatAgent | None = None, models: PausingModels | None = None, **changes: Any) -> App:
        made.append(application(table_name, dynamodb, issuer, models, agent=by, **changes))
        return made[-1]

    yield make
    for app in made:
        await app.http.aclose()


def agent(name: str = "a", **options: Any) -> ChatAgent:
    return Agent[AgentContext[RequestContext]](name=name, instructions="b", model="c", **options)


def call(name: str, number: int = 1) -> Any:
    return function_call(name, {}, call_id=f"call_{number}", item_id=f"fc_{number}")


def seen(app: App) -> str:
    """What the model was given last."""
    last = app.models.model.last_call
    assert last is not None
    return str(last.input)


async def answer_after(app: App, *calls: str) -> Answer:
    """The answer, for which each of the tools is called once before."""
    for number, name in enumerate(calls):
        app.models.model.enqueue([call(name, number)])
    app.models.say("Done")
    return await app.user("alice").create("Go")


async def test_tool_that_hangs_is_given_up_and_the_turn_goes_on(apps: Any) -> None:
    hanging = Hanging()
    app = apps(agent(tools=[hanging.tool]), tool_seconds=SECONDS)
    assert (await answer_after(app, "hang")).text == "Done"
    assert f"Tool 'hang' timed out after {SECONDS:g} seconds." in seen(app)
    assert hanging.cancelled.is_set()
    assert hanging.tool.timeout_seconds is None


async def test_tool_keeps_a_limit_of_its_own(apps: Any) -> None:
    app = apps(agent(tools=[Hanging(timeout=0.05).tool]), tool_seconds=60)
    assert (await answer_after(app, "hang")).text == "Done"
    assert "timed out after 0.05 seconds" in seen(app)


async def test_tool_that_blocks_a_thread_is_not_waited_for(apps: Any) -> None:
    go_on = threading.Event()

    @function_tool
    def block() -> str:
        """Block."""
        go_on.wait(30)
        return "late"

    app = apps(agent(tools=[block]), tool_seconds=SECONDS)
    try:
        assert (await answer_after(app, "block")).text == "Done"
    finally:
        go_on.set()
    assert "Tool 'block' timed out" in seen(app)


@pytest.mark.parametrize("hands_off", [lambda other: other, handoff], ids=["agent", "handoff"])
async def test_tools_of_agents_that_are_handed_off_to_have_the_limit(
    apps: Any, hands_off: Callable[[ChatAgent], ChatAgent | Handoff[Any, Any]]
) -> None:
    other = agent("other", tools=[Hanging().tool])
    first = agent(handoffs=[hands_off(other)])
    other.handoffs = [first]  # and back again
    app = apps(first, tool_seconds=SECONDS)
    assert (await answer_after(app, "transfer_to_other", "hang")).text == "Done"
    assert "Tool 'hang' timed out" in seen(app)


async def test_tools_of_an_agent_that_is_a_tool_have_the_limit(apps: Any) -> None:
    hanging = Hanging()
    other = agent("other", tools=[hanging.tool])
    ask = other.as_tool("ask", "Ask it.")
    ask.timeout_seconds = 60
    app = apps(agent(tools=[ask]), tool_seconds=SECONDS)
    model = app.models.model
    model.enqueue([function_call("ask", {"input": "?"}, call_id="c1", item_id="f1")])
    model.enqueue([call("hang")])
    model.enqueue([assistant_message("It hangs", item_id="m1")])
    app.models.say("Done")
    assert (await app.user("alice").create("Go")).text == "Done"
    assert hanging.cancelled.is_set()
    assert "It hangs" in seen(app)


async def test_tools_that_assistants_share_are_left_as_they_are(apps: Any) -> None:
    one, two = (agent(tools=[current_time]) for _ in range(2))
    apps(one, tool_seconds=1)
    apps(two, tool_seconds=2)
    limits = [tool.timeout_seconds for each in (one, two) for tool in each.tools if isinstance(tool, FunctionTool)]
    assert (current_time.timeout_seconds, limits) == (None, [1, 2])


@pytest.mark.filterwarnings("ignore:Use `streamable_http_client`:DeprecationWarning")  # the Agents SDK does not yet
async def test_call_to_an_mcp_server_is_given_up_and_the_turn_goes_on(apps: Any) -> None:
    slow, called = FastMCP("slow"), asyncio.Event()

    @slow.tool()
    async def hang() -> str:
        """Hang."""
        called.set()
        await asyncio.Event().wait()
        return "never"

    async with serving_here(slow.streamable_http_app(), lifespan="on") as port:
        server = MCPServerStreamableHttp({"url": f"http://127.0.0.1:{port}/mcp"}, client_session_timeout_seconds=None)
        app = apps(agent(mcp_servers=[server]), mcp_seconds=1)
        async with server:
            assert (await answer_after(app, "hang")).text == "Done"
    assert called.is_set()
    assert "An error occurred while running the tool" in seen(app)


@pytest.mark.parametrize(("own", "limit"), [(None, 30), (7, 7), (0, 0)])
async def test_mcp_server_keeps_a_limit_of_its_own(apps: Any, own: float | None, limit: float) -> None:
    server = MCPServerStreamableHttp({"url": "http://127.0.0.1:9/mcp"}, client_session_timeout_seconds=own)
    apps(agent(mcp_servers=[server]), mcp_seconds=30)
    assert server.client_session_timeout_seconds == limit


async def test_tool_under_way_at_the_deadline_is_cancelled_and_what_was_said_is_kept(
    apps: Any, log: io.StringIO
) -> None:
    hanging = Hanging()
    app = apps(agent(tools=[hanging.tool]))
    app.models.model.enqueue([assistant_message(TEXT, item_id="m1"), call("hang")])
    with ending_in(2):
        answer = await app.user("alice").create("Go")
    DEADLINE.check(answer, log, SECRET)
    assert hanging.cancelled.is_set()
    assert await texts(app, answer) == ["Go", TEXT]


async def test_model_under_way_at_the_deadline_is_cancelled_and_what_was_said_is_kept(
    apps: Any, log: io.StringIO
) -> None:
    models = PausingModels()
    app = apps(models=models)
    models.say(TEXT)
    with ending_in(2):
        answer = await app.user("alice").create("Go")
    DEADLINE.check(answer, log, SECRET)
    assert models.model.ended.is_set()
    assert await texts(app, answer) == ["Go", TEXT]


async def texts(app: App, answer: Answer) -> list[str]:
    return [item["content"][0]["text"] for item in await app.user("alice").items(answer.thread_id)]


def counting() -> tuple[FunctionTool, list[None]]:
    """A tool and the calls of it."""
    calls: list[None] = []

    @function_tool
    async def count() -> str:
        """Count."""
        calls.append(None)
        return "counted"

    return count, calls


@pytest.mark.parametrize(("limit", "called"), [(0, 0), (2, 2), (3, 2), (4, 4)])
async def test_turn_ends_before_the_calls_that_are_too_many(
    apps: Any, log: io.StringIO, limit: int, called: int
) -> None:
    tool, calls = counting()
    app = apps(agent(tools=[tool]), tool_calls=limit)
    for step in range(3):
        said = assistant_message(f"{TEXT} {step}", item_id=f"m{step}")
        app.models.model.enqueue([said, call("count", 2 * step), call("count", 2 * step + 1)])
    answer = await app.user("alice").create("Go")
    STEPS.check(answer, log, SECRET)
    assert len(calls) == called
    assert await texts(app, answer) == ["Go", *(f"{TEXT} {step}" for step in range(called // 2 + 1))]


async def test_turn_may_have_as_many_calls_of_tools_as_the_limit(apps: Any) -> None:
    tool, calls = counting()
    app = apps(agent(tools=[tool]), tool_calls=50)
    app.models.model.enqueue([call("count", number) for number in range(50)])
    app.models.say("Done")
    assert (await app.user("alice").create("Go")).text == "Done"
    assert len(calls) == 50
    app.models.model.enqueue([call("count", 99)])  # another turn counts anew
    app.models.say("Done")
    assert (await app.user("alice").create("Go")).text == "Done"


async def test_turn_ends_before_the_call_of_the_model_that_is_too_many(apps: Any, log: io.StringIO) -> None:
    tool, calls = counting()
    app = apps(agent(tools=[tool]), model_calls=2)
    for step in range(3):
        app.models.model.enqueue([assistant_message(f"{TEXT} {step}", item_id=f"m{step}"), call("count", step)])
    answer = await app.user("alice").create("Go")
    STEPS.check(answer, log, SECRET)
    assert (len(app.models.model.calls), len(calls)) == (2, 2)
    assert await texts(app, answer) == ["Go", f"{TEXT} 0", f"{TEXT} 1"]


@pytest.mark.parametrize(("attachments", "status"), [(2, 404), (3, 422)])
async def test_message_with_too_many_attachments_is_refused(apps: Any, attachments: int, status: int) -> None:
    app = apps(max_message_attachments=2)
    sent = message("Hello", attachments=["atc_unknown"] * attachments)
    assert (await app.user("alice").send("threads.create", input=sent)).status == status


async def test_history_is_cut_to_its_tokens_and_the_newest_message_is_always_given(apps: Any) -> None:
    app = apps(history_tokens=1_000)
    app.models.say("answer")
    thread_id = (await app.user("alice").create("oldest " + 400 * "word ")).thread_id
    for text in ("older " + 400 * "word ", "newest " + 700 * "word "):
        app.models.say("answer")
        await app.user("alice").say(thread_id, text)
    assert [text in seen(app) for text in ("oldest", "older", "newest")] == [False, False, True]
    app.models.say("answer")
    await app.user("alice").say(thread_id, "short")
    assert [text in seen(app) for text in ("oldest", "newest", "short")] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    ["word " * 3_000, "data:;base64," + "word " * 3_000, "Ab3Xy9" * 2_500, "\u4eca\u65e5" * 2_500],
    ids=["words", "like a file's address", "like base64", "Japanese"],
)
async def test_no_text_makes_a_history_longer_than_its_tokens(apps: Any, text: str) -> None:
    app = apps(history_tokens=10_000, max_message_characters=20_000)
    alice = app.user("alice")
    app.models.say("answer")
    thread_id = (await alice.create(text)).thread_id
    for _ in range(3):
        app.models.say("answer")
        await alice.say(thread_id, text)
        assert text in seen(app)
        assert len(seen(app).encode()) < 4 * 10_000
