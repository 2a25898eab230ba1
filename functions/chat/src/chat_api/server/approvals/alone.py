"""A run that waits for the user's leave asks for nothing else of the page's."""

from collections.abc import AsyncIterator
from typing import Any, cast

from agents import RunResultStreaming, StreamEvent
from chatkit.agents import AgentContext


def alone(run: RunResultStreaming, result: RunResultStreaming, context: AgentContext[Any]) -> RunResultStreaming:
    """The events of the run `result`, for `stream_agent_response`, which reads nothing else of it.

    ChatKit takes the page's output only as long as its call is the thread's last item (1.6.5). Where the same answer of
    the model also has a call that the user must allow, they are asked, the page is not, and the model is told so when
    the run goes on (`run_states.py`): it can call the page's tool again.
    """
    return cast("RunResultStreaming", _Alone(run, result, context))


class _Alone:
    def __init__(self, run: RunResultStreaming, result: RunResultStreaming, context: AgentContext[Any]) -> None:
        self._run = run
        self._result = result
        self._context = context

    async def stream_events(self) -> AsyncIterator[StreamEvent]:
        async for event in self._run.stream_events():
            yield event
        if self._result.interruptions:
            self._context.client_tool_call = None
