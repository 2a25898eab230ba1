"""One answer: the agent's run as events, and what it has used."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

from agents import RunResultStreaming, RunState, TResponseInputItem
from agents.exceptions import ModelBehaviorError
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.types import (
    InferenceOptions,
    NoticeEvent,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from chat_api import quotas
from chat_api.runs.context import TurnContext
from chat_api.server import approvals
from chat_api.server.assistant import Assistant
from chat_api.server.beside.aside import Aside
from chat_api.server.beside.titles import Title
from chat_api.server.chosen import AssistantAgent, chosen
from chat_api.server.equipped import equipped
from chat_api.server.events.alone import alone
from chat_api.server.events.citations import Citations
from chat_api.server.events.drawing import Drawing
from chat_api.server.events.fresh import fresh
from chat_api.server.events.raw_citations import readable
from chat_api.server.events.shown import is_said
from chat_api.server.events.sighting import Sightings
from chat_api.server.events.streams import closing
from chat_api.server.events.thoughts import sparse
from chat_api.server.events.tool_events import ToolEvents
from chat_api.server.hosted_tools import api_of, fitting
from chat_api.server.judged import judged
from chat_api.server.judging import Judging
from chat_api.server.memory.estimate import Estimate
from chat_api.server.memory.history import History, load_history
from chat_api.server.memory.kept_calls import KeptCalls
from chat_api.server.memory.said import said_in, texts_of
from chat_api.server.memory.summaries import Summarizing
from chat_api.server.passed import passed_over
from chat_api.server.refused import refused
from chat_api.server.started import started
from chat_api.server.steps import Steps
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images
from chatkit_aws.usage import Usage


class Answer:
    """The agent's answer to the newest items of a thread, for one turn."""

    def __init__(
        self,
        assistant: Assistant,
        store: DynamoDBStore,
        thread: ThreadMetadata,
        context: TurnContext,
        images: Images | None = None,
    ) -> None:
        """Have `assistant` answer; its images are kept in `images`."""
        self._assistant = assistant
        self._store = store
        self._thread = thread
        self._context = context
        self._images = images
        self.agent_context = AgentContext[RequestContext](thread=thread, store=store, request_context=context)
        self._said: Sequence[ThreadItem] = ()
        self.result: RunResultStreaming | None = None

    async def events(self, message: UserMessageItem | None) -> AsyncGenerator[ThreadStreamEvent]:
        """The answer to `message`, where the turn has one, as events. The model stops when nobody reads."""
        limits = self._assistant.history
        history = await load_history(self._store, self._thread, message, limits, self._context)
        self._said = [*said_in(history.items)]
        self._context.said[:] = texts_of(self._said)
        for level in self._context.spending.near:
            yield NoticeEvent(level="warning", message=quotas.near(level, self._context.locale))
        options = history.question.inference_options if history.question else InferenceOptions()
        begins = message is not None
        agent = await self.agent(options, history, begins=begins)
        for event in passed_over(history.items if begins else (), self._context.locale):
            yield event
        asides = self._asides(history, message)
        try:
            async with closing(self.run(agent, history.input, options, begins=begins)) as events:
                async for event in events:
                    yield event
        finally:
            for aside in asides:
                aside.end()

    async def run(
        self,
        agent: AssistantAgent,
        given: list[TResponseInputItem] | RunState[Any],
        options: InferenceOptions,
        *,
        begins: bool = False,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The agent's run, which begins with `given` or goes on with it, as events."""
        context, spending = self._context, self._context.spending
        agent_context = self.agent_context
        tool_events = ToolEvents.of(agent_context)
        judging = Judging(self._assistant.guardrails)
        steps = Steps(self._assistant.tool_calls, tool_events, judging)
        result = self.result = started(self._assistant, agent, given, agent_context, steps)
        tool_events.follow(result)
        context.ending.cut = result.cancel
        spending.model = model = str(agent.model)
        sightings = Sightings(lambda kind: self._store.generate_item_id(kind, self._thread, context))
        drawing = Drawing(self._images, self._thread, context, tool_events.put_nowait)
        citations, estimate = Citations(context.sources), Estimate()
        calls = KeptCalls(self._store, self._thread, context)
        has_spoken = False
        try:
            run = alone(readable(calls.watched(result)), result, agent_context)
            if begins:
                run = fresh(run, agent_context)
            answered = stream_agent_response(agent_context, run, converter=drawing)
            kept = sightings.keep(calls.keep(drawing.shown(answered)))
            cited = citations.added(sparse(kept))
            async with closing(judged(cited, judging, self._take_back, context.ending)) as events:
                async for event in events:
                    estimate.note(event)
                    has_spoken = has_spoken or is_said(event)
                    yield event
            async for event in approvals.asked(result, options, agent_context):
                has_spoken = True
                yield event
            if not has_spoken and context.ending.cause is None:
                raise ModelBehaviorError("the model said nothing at all")
        finally:
            context.ending.cut = None
            result.cancel()
            judging.end()
            tool_events.close()
            spending.add(model, Usage.of_run(result.context_wrapper.usage) + steps.untold + estimate.usage(steps.asked))
            await calls.end()

    def _take_back(self) -> Iterator[ThreadStreamEvent]:
        return refused(self._said, partial(self.agent_context.generate_id, "message"))

    async def agent(self, options: InferenceOptions, history: History, *, begins: bool) -> AssistantAgent:
        """The agent as who asked the question has chosen it, also where the answer goes on in a later turn."""
        agent = chosen(self._assistant.agent, self._assistant.choices, options, begins=begins)
        api = api_of(agent, self._assistant.speaks)
        hosted = api == "responses"
        return await equipped(fitting(agent, api), self._assistant.mcp, history, self._context, hosted=hosted)

    def _asides(self, history: History, message: UserMessageItem | None) -> list[Aside]:
        """A title on its way, where the thread has none, and a summary, where it is time for one."""
        assistant, asides = self._assistant, list[Aside]()
        if assistant.titles is not None and not self._thread.title:
            asides.append(Title(assistant.titles, self._store, self._thread, message, self._context))
        if assistant.summaries is not None and history.fold is not None:
            asides.append(Summarizing(assistant.summaries, self._store, self._thread, history.fold, self._context))
        return asides
