"""Answers that broke off after their first words, to what can be sent once: a tool's output, answers to questions.

A hidden item of the thread notes what such an answer left. As long as nothing else follows, the same may be sent again.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatkit.types import (
    ErrorEvent,
    HiddenContextItem,
    StructuredInputItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadStreamEvent,
)

from chat_api.runs.context import TurnContext
from chat_api.server.approvals.asking import waiting_in
from chat_api.server.memory import tool_calls
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)

_KIND = "broken"
"""What the content of such an item says that it is."""
_NEWEST = 20
"""Among how many items the last one is looked for that is neither of tools nor of an answer that broke off."""


@dataclass(frozen=True, slots=True)
class BrokenAnswers:
    """Those in a thread, in a turn that answers what was sent there."""

    store: DynamoDBStore
    context: RequestContext
    thread_id: str

    async def noted(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncGenerator[ThreadStreamEvent]:
        """The events of an answer; where it breaks off, and trying again may help, what it leaves is noted.

        Questions are not: what the user answers is theirs.
        """
        left: list[str] = []
        try:
            async for event in events:
                match event:
                    case ThreadItemDoneEvent(item=item) if not isinstance(item, StructuredInputItem):
                        left.append(item.id)
                    case ThreadItemRemovedEvent(item_id=item_id) if item_id in left:
                        left.remove(item_id)
                    case ErrorEvent(allow_retry=True) if left:
                        await self._note(left)
                yield event
        except asyncio.CancelledError:
            if left and self._turn.ending.cause == "deadline":
                await self._note(left)
            raise

    async def newest(self) -> tuple[ThreadItem | None, list[HiddenContextItem]]:
        """The thread's last item, but for open approvals and what answers left that broke off, and the notes of these.

        Where it is what the user sent, nothing whole was said to it, but maybe done.
        """
        # Else another run might go on in the thread.
        await self._turn.lease.taken()
        notes, left = list[HiddenContextItem](), set[str]()
        for item in (await self.store.load_thread_items(self.thread_id, None, _NEWEST, "desc", self.context)).data:
            if isinstance(item, HiddenContextItem) and _is_note(item.content):
                notes.append(item)
                left.update(item.content["left"])
            elif (waiting := waiting_in(item)) is not None:
                # The widget that asks for it has the same time, and the lesser id.
                left.add(waiting.widget)
            elif item.id not in left and not tool_calls.are_in(item):
                return item, notes
        return None, notes

    async def removed(self, notes: list[HiddenContextItem]) -> AsyncIterator[ThreadItemRemovedEvent]:
        """Remove what these answers left. Raises Held."""
        for note in notes:
            for item_id in note.content["left"]:
                await self.store.delete_thread_item(self.thread_id, item_id, self.context)
                yield ThreadItemRemovedEvent(item_id=item_id)
            # Last: as long as something is left, it says so.
            await self.store.delete_thread_item(self.thread_id, note.id, self.context)

    async def _note(self, left: list[str]) -> None:
        try:
            thread = await self.store.load_thread(self.thread_id, self.context)
            fields = {"thread_id": thread.id, "created_at": datetime.now()}  # noqa: DTZ005 - as the SDK's
            item_id = self.store.generate_item_id("message", thread, self.context)
            item = HiddenContextItem(id=item_id, content={"kind": _KIND, "left": left}, **fields)
            await self.store.add_thread_item(thread.id, item, self.context)
        except ChatKitAwsError as error:
            logger.warning("what was answered in part cannot be sent again: %s", type(error).__name__)

    @property
    def _turn(self) -> TurnContext:
        assert isinstance(self.context, TurnContext)  # noqa: S101 - what is answered has no other
        return self.context


def _is_note(content: Any) -> bool:
    return isinstance(content, dict) and content.get("kind") == _KIND
