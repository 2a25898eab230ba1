"""What the model sees of a thread's items."""

from collections.abc import Sequence
from typing import override

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.types import Attachment, ThreadItem, UserMessageTagContent, WidgetItem
from openai.types.responses import EasyInputMessageParam, ResponseInputTextParam


class HistoryConverter(ThreadItemConverter):
    """Turns thread items into the model's input; tags and attachments become text that names them.

    The SDK's own converter raises for both, which would end every later turn of the thread.
    """

    async def attachment_to_message_content(self, attachment: Attachment) -> ResponseInputTextParam:
        """The attachment's name and type: its content is not shown to the model."""
        return ResponseInputTextParam(type="input_text", text=f"[attached: {attachment.name}, {attachment.mime_type}]")

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputTextParam:
        """The tag's text, as the user saw it."""
        return ResponseInputTextParam(type="input_text", text=f"@{tag.text}")

    @override
    async def widget_to_input(self, item: WidgetItem) -> TResponseInputItem:
        """That there was one: what it shows is as long as a list, and may no longer be so. Tools tell what is."""
        return EasyInputMessageParam(role="user", content="[a widget was shown here; tools tell what is in it now]")

    async def to_inputs(self, items: Sequence[ThreadItem]) -> list[list[TResponseInputItem]]:
        """What each of the items is to the model, `to_agent_input` in parts; only the last one shows what it quotes."""
        return [await self._thread_item_to_input_item(item, is_last_message=item is items[-1]) for item in items]
