"""An answer that goes on with nothing of an earlier one."""

from collections.abc import AsyncIterator
from typing import Any, cast

from agents import RunResultStreaming, StreamEvent
from chatkit.agents import AgentContext


def fresh(run: RunResultStreaming, context: AgentContext[Any]) -> RunResultStreaming:
    """The run of an answer to a message, for `stream_agent_response`, which reads nothing of it but its events.

    ChatKit's SDK goes on with a workflow that is the thread's last item, or that only a call of the page's follows
    (1.6.5). What follows a message that is answered again is its old answer's, which is there until the new one begins.
    """
    return cast("RunResultStreaming", _Fresh(run, context))


class _Fresh:
    def __init__(self, run: RunResultStreaming, context: AgentContext[Any]) -> None:
        self._run = run
        self._context = context

    async def stream_events(self) -> AsyncIterator[StreamEvent]:
        # The SDK has looked for one by now, and no tool has begun one: that comes in with the first events.
        self._context.workflow_item = None
        async for event in self._run.stream_events():
            yield event
