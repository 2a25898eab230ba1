"""The rest of an answer that waited for the user's leave: what they decide counts once, and nothing of it is lost.

All that can fail before anything is done comes first: as long as the decision is not written, it can be made again.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from agents import RunState
from chatkit.errors import CustomStreamError
from chatkit.types import ThreadMetadata, ThreadStreamEvent, WidgetItem

from chat_api.runs.context import TurnContext
from chat_api.server.answer import Answer
from chat_api.server.approvals import asking, run_states
from chat_api.server.approvals.asking import Decision, Gone, Waiting
from chat_api.server.approvals.decided import Decided
from chat_api.server.approvals.passed import broken_off, out_of_date
from chat_api.server.chosen import AssistantAgent
from chat_api.server.events.streams import closing
from chat_api.server.memory.history import History
from chat_api.server.opening import whole
from chat_api.texts import mark
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)

_NOT_NOW = mark("What this needs cannot be reached now. Nothing was done: please decide again later.")


class Resuming:
    """One answer's, in the turn of the decision."""

    def __init__(self, answer: Answer, store: DynamoDBStore, thread: ThreadMetadata, context: TurnContext) -> None:
        """Have `answer` go on in this thread."""
        self._answer = answer
        self._store = store
        self._thread = thread
        self._context = context

    async def events(self, decision: Decision, sender: WidgetItem | None) -> AsyncGenerator[ThreadStreamEvent]:
        """The rest of the answer, as events; `sender` is the widget that brings the decision.

        Raises CustomStreamError where nothing waits for the decision, or it cannot be carried out now.
        """
        # Else another run might go on in the thread.
        await self._context.lease.taken()
        try:
            waiting = await asking.waiting(decision, self._thread.id, self._store, self._context)
            agent = await self._answer.agent(waiting.options, History([], None), begins=False)
            state = await self._state(waiting, agent)
        except Gone as gone:
            for event in await self._closing(gone, decision, sender):
                yield event
            raise
        decided = Decided(waiting, state, self._store, self._context, approved=decision.approved)
        async with closing(self._carried_out(decided, agent, state)) as events:
            async for event in events:
                yield event

    async def _state(self, waiting: Waiting, agent: AssistantAgent) -> RunState[Any]:
        """The run as it waits. Raises CustomStreamError where it cannot go on."""
        try:
            state = await run_states.loaded(waiting.state, agent, self._answer.agent_context)
        except run_states.Unusable as unusable:
            logger.warning("a run that waited cannot go on: %s", type(unusable.__cause__).__name__)
            raise Gone from None
        if await run_states.lacks_tools(state, self._answer.agent_context):
            raise CustomStreamError(_NOT_NOW, allow_retry=False)
        return state

    async def _closing(self, gone: Gone, decision: Decision, sender: WidgetItem | None) -> Sequence[ThreadStreamEvent]:
        """The events that take the buttons away, or what is no longer true, from the widget that was used."""
        locale = self._context.locale
        told = [*broken_off(gone.item, locale)] if gone.item is not None else []
        if told or sender is None:
            return told
        shown = await self._store.load_item(self._thread.id, sender.id, self._context)
        return [*out_of_date(shown, decision.approval, locale)]

    async def _carried_out(
        self, decided: Decided, agent: AssistantAgent, state: RunState[Any]
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The decision, then the rest of the run; in whatever way it ends, what was not done is told."""
        failed: Exception | None = None
        try:
            await whole(decided.write())
            yield decided.shown()
            run_states.decide(state, approved=decided.approved)
            try:
                async with closing(self._answer.run(agent, state, decided.waiting.options)) as events:
                    async for event in events:
                        yield event
            except Exception as error:  # noqa: BLE001 - it is raised when that is told
                failed = error
            for event in decided.outcome(self._answer.result, failed):
                yield event
            decided.is_told = True
        finally:
            await decided.end(self._answer.result)
        if failed is not None:
            raise failed
