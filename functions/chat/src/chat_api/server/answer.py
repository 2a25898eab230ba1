"""One answer: what the model is given, the agent's run, and what is made beside it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

from agents import RunResultStreaming, RunState, TResponseInputItem
from agents.exceptions import ModelBehaviorError
from chatkit.agents import AgentContext
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
from chat_api.server.agent_run import AgentRun, Surroundings
from chat_api.server.approvals.asking import asked
from chat_api.server.approvals.passed import passed_over
from chat_api.server.assistant import Assistant
from chat_api.server.beside.aside import Aside
from chat_api.server.beside.titles import Title
from chat_api.server.chosen import AssistantAgent, chosen
from chat_api.server.equipped import equipped
from chat_api.server.events.streams import closing
from chat_api.server.hosted_tools import api_of, fitting
from chat_api.server.judging.judged import judged
from chat_api.server.judging.refused import refused
from chat_api.server.memory.history import History, load_history
from chat_api.server.memory.said import said_in, texts_of
from chat_api.server.memory.summaries import Summarizing
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images


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
        self.agent_context = AgentContext[RequestContext](thread=thread, store=store, request_context=context)
        self._around = Surroundings(assistant, store, thread, context, self.agent_context, images)
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
        run = AgentRun(self._around, agent, given)
        self.result, ending = run.result, self._context.ending
        try:
            async with closing(judged(run.events(begins=begins), run.judging, self._take_back, ending)) as events:
                async for event in events:
                    run.note(event)
                    yield event
            async for event in asked(run.result, options, self.agent_context):
                run.note(event)
                yield event
            if not run.has_spoken and ending.cause is None:
                raise ModelBehaviorError("the model said nothing at all")
        finally:
            await run.end()

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
