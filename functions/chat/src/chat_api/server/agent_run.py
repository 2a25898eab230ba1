"""One run of the agent within an answer: its events on their way from the model, and what it has used."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from agents import RunState, TResponseInputItem
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.types import ThreadMetadata, ThreadStreamEvent

from chat_api.runs.context import TurnContext
from chat_api.server.approvals.alone import alone
from chat_api.server.assistant import Assistant
from chat_api.server.chosen import AssistantAgent
from chat_api.server.events.citations import Citations
from chat_api.server.events.drawing import Drawing
from chat_api.server.events.fresh import fresh
from chat_api.server.events.raw_citations import readable
from chat_api.server.events.shown import is_said
from chat_api.server.events.sighting import Sightings
from chat_api.server.events.thoughts import sparse
from chat_api.server.events.tool_events import ToolEvents
from chat_api.server.events.unread import unread
from chat_api.server.judging.judging import Judging
from chat_api.server.memory.kept_calls import KeptCalls
from chat_api.server.started import started
from chat_api.server.steps import Steps
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore
from chatkit_aws.store.images import Images


@dataclass(frozen=True, slots=True)
class Surroundings:
    """In what an agent answers: where its words go, for whom, and what tools have at hand (`agent`)."""

    assistant: Assistant
    store: DynamoDBStore
    thread: ThreadMetadata
    turn: TurnContext
    agent: AgentContext[RequestContext]
    images: Images | None


class AgentRun:
    """A run that begins with `given`, or goes on with it. Whoever makes one ends it."""

    def __init__(
        self, around: Surroundings, agent: AssistantAgent, given: list[TResponseInputItem] | RunState[Any]
    ) -> None:
        """Begin; the model is asked when the first event is."""
        self._around = around
        self._model = around.turn.spending.model = str(agent.model)
        self._tool_events = ToolEvents.of(around.agent)
        self._calls = KeptCalls(around.store, around.thread, around.turn)
        self.judging = Judging(around.assistant.guardrails)
        self._steps = Steps(around.assistant.tool_calls, self._tool_events, self.judging)
        self.result = started(around.assistant, agent, given, around.agent, self._steps)
        self._tool_events.follow(self.result)
        around.turn.ending.cut = self._cut
        self.has_spoken = False

    def events(self, *, begins: bool) -> AsyncIterator[ThreadStreamEvent]:
        """What it says, as events of the thread; `begins` where it answers a new message."""
        around = self._around
        sightings = Sightings(lambda kind: around.store.generate_item_id(kind, around.thread, around.turn))
        drawing = Drawing(around.images, around.thread, around.turn, self._tool_events.put_nowait)
        run = alone(readable(self._calls.watched(self.result)), self.result, around.agent)
        read = unread(fresh(run, around.agent) if begins else run)
        answered = stream_agent_response(around.agent, read, converter=drawing)
        kept = sightings.keep(self._calls.keep(drawing.shown(answered)))
        return Citations(around.turn.sources).added(sparse(kept))

    def _cut(self) -> None:
        self.result.cancel()
        self.judging.hurry()

    def note(self, event: ThreadStreamEvent) -> None:
        """Take note of an event that is sent."""
        self._steps.note(event)
        self.has_spoken = self.has_spoken or is_said(event)

    async def end(self) -> None:
        """Stop the model, if it still speaks, count what it has used, and keep what its tools did. Raises nothing."""
        turn = self._around.turn
        turn.ending.cut = None
        self.result.cancel()
        self.judging.end()
        self._tool_events.close()
        turn.spending.add(self._model, self._steps.usage(self.result.context_wrapper.usage))
        await self._calls.end()
