"""The calls of tools in one turn, on their way into the thread, where later turns find them."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from agents import RunItemStreamEvent, RunResultStreaming
from agents.items import RunItem, ToolCallItem, ToolCallOutputItem
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    HiddenContextItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)
from openai.types.responses import ResponseFunctionToolCall

from chat_api.runs.context import TurnContext
from chat_api.server.events.streams import closing
from chat_api.server.memory.place import Place
from chat_api.server.memory.tool_calls import ToolCall, item_of, text_of
from chat_api.toolkit.pauses import WAITS
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)


class KeptCalls:
    """One turn's: functions of ours and of MCP servers. What a provider's own tools found is in the answer.

    All that were carried out before a message are one item, which is stored with it, so that a turn without tools
    writes nothing more. What an answer leaves that ends early is stored at its end. What asked the page or the user is
    left out: its item is in the thread, and gets the result.

    They stay where a check withholds the answer: what was done is done, and the model is to know. Where a check refuses
    the question there are none: no tool is called before it has passed.
    """

    def __init__(self, store: DynamoDBStore, thread: ThreadMetadata, context: TurnContext) -> None:
        """Begin with none."""
        self._store = store
        self._thread = thread
        self._context = context
        self._run: RunResultStreaming | None = None
        self._asked: dict[str, ResponseFunctionToolCall] = {}
        self._seen: set[str] = set()
        self._done: dict[str, ToolCall] = {}
        self._place = Place()
        self._left: HiddenContextItem | None = None

    def watched(self, result: RunResultStreaming) -> RunResultStreaming:
        """The run, for ChatKit's SDK to make events of; what it does with tools is seen on the way.

        What a run that goes on had done before it waited was kept then.
        """
        self._run = result
        for made in result.new_items:
            self.note(made)
        self._done, self._place = {}, Place()
        return cast("RunResultStreaming", _Watched(result, self))

    async def keep(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, and before each message an item of the calls that led to it."""
        async with closing(events):
            async for event in events:
                for item in self._items_before(event):
                    yield ThreadItemDoneEvent(item=item)
                yield event

    async def end(self) -> None:
        """Store what no message followed, and what could not be stored before. Raises nothing: the answer is over."""
        # A run that fails at once does not show what it did before.
        for made in self._run.new_items if self._run else ():
            self.note(made)
        try:
            for item in self._items():
                await self._store.add_thread_item(self._thread.id, item, self._context)
        except ChatKitAwsError as error:
            logger.warning("calls of tools are not kept: %s", type(error).__name__)

    def note(self, made: RunItem) -> None:
        """Take note of what the run made, of each thing once."""
        match made:
            case ToolCallItem(raw_item=ResponseFunctionToolCall() as call):
                self._asked.setdefault(call.call_id, call)
            case ToolCallOutputItem(
                raw_item={"type": "function_call_output", "call_id": str(call_id), "output": output}
            ):
                if (asked := self._asked.get(call_id)) is not None and call_id not in self._seen:
                    self._seen.add(call_id)
                    if (result := text_of(output)) != WAITS:
                        self._place.note_call()
                        self._done[call_id] = ToolCall(asked.name, asked.arguments, result)

    def _items_before(self, event: ThreadStreamEvent) -> Iterator[HiddenContextItem]:
        match event:
            case ThreadItemDoneEvent(item=ClientToolCallItem()):
                self._forget_asking()
                yield from self._items()
            case ThreadItemDoneEvent(item=AssistantMessageItem()):
                yield from self._items()
        self._place.note(event)

    def _forget_asking(self) -> None:
        """Leave out the call that had the page asked, whose output the run ends with (as with `StopAtTools`).

        Not by its id: where it was one of several, ChatKit's SDK gives the item that of the last (1.6.5).
        """
        output = self._run.final_output if self._run else None
        self._done = {call_id: call for call_id, call in self._done.items() if call.result != output}

    def _items(self) -> Iterator[HiddenContextItem]:
        """The item of what there is, if there is something; the same again where whoever took it did not come back."""
        if self._left is not None:
            yield self._left
        if self._done:
            item_id = self._store.generate_item_id("tool_call", self._thread, self._context)
            self._left = item_of(list(self._done.values()), item_id, self._thread.id, self._place.take())
            self._done = {}
            yield self._left
        self._left = None


class _Watched:
    """A run of which ChatKit's SDK reads the events, and nothing else (1.6.5)."""

    def __init__(self, result: RunResultStreaming, calls: KeptCalls) -> None:
        self._result = result
        self._calls = calls

    async def stream_events(self) -> AsyncIterator[Any]:
        async for event in self._result.stream_events():
            if isinstance(event, RunItemStreamEvent):
                self._calls.note(event.item)
            yield event
