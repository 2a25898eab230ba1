"""An agent within an answer: it has a model and a price, and it stops when nobody reads them."""

import asyncio
from contextlib import aclosing

from agents import Agent, Tool, function_tool
from agents.tool_context import ToolContext
from chatkit.agents import AgentContext

from chat_api.assistant.agent import load_prices
from chat_api.toolkit.inner import Inner
from chat_testing.assistant import calls, told
from chat_testing.models import PausingModels
from chat_testing.spent import USED, Make, used
from chatkit_aws.context import RequestContext
from chatkit_aws.usage import Usage

PRICED = "gpt-5-mini"


def agent(tool: Tool) -> Agent[AgentContext[RequestContext]]:
    return Agent[AgentContext[RequestContext]](name="a", instructions="b", model="c", tools=[tool])


def asking(writer: Agent[None]) -> Tool:
    @function_tool
    async def ask(run: ToolContext[AgentContext[RequestContext]]) -> str:
        """Have it written."""
        inner = Inner(writer, run)
        return " ".join([text async for text in inner.texts("Write")])

    return ask


async def test_agent_with_a_model_of_its_own_is_paid_for_by_the_price_of_that(make: Make) -> None:
    app = make(agent=agent(asking(Agent[None](name="writer", model=PRICED))))
    calls(app, "ask")
    for text in ("Written", "Done"):
        app.models.say(text)
    assert (await app.user("alice").create("Go")).text == "Done"
    assert app.models.names == ["c", PRICED, "c"]
    total = await used(app)
    assert total.usage.requests == 3
    assert total.cost == load_prices().cost(PRICED, Usage.of_run(USED))


async def test_agent_stops_when_nobody_reads_what_it_writes(make: Make) -> None:
    models = PausingModels()
    writer = Agent[None](name="writer")

    @function_tool
    async def glance(run: ToolContext[AgentContext[RequestContext]]) -> str:
        """Read what comes first."""
        models.model.ended.clear()
        inner = Inner(writer, run)
        async with aclosing(inner.texts("Write")) as texts:
            await anext(texts)
        try:
            async with asyncio.timeout(10):
                await models.model.ended.wait()
        finally:
            models.model.go_on.set()
        return f"read: {inner.text}"

    app = make(models, agent=agent(glance))
    calls(app, "glance")
    for text in ("Written", "Done"):
        app.models.say(text)
    assert (await app.user("alice").create("Go")).text == "Done"
    assert told(app) == "read: Written"
    assert (await used(app)).usage.requests == 3
