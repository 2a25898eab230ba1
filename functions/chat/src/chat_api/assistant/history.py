"""What the model sees of a thread."""

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.store import Store
from chatkit.types import Attachment, ThreadItem, ThreadMetadata, UserMessageItem, UserMessageTagContent
from openai.types.responses import ResponseInputTextParam

from chat_api.runs.context import TurnContext
from chatkit_aws.context import RequestContext


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


async def load_history(
    store: Store[RequestContext],
    thread: ThreadMetadata,
    message: UserMessageItem | None,
    newest: int,
    context: RequestContext,
) -> list[TResponseInputItem]:
    """The newest items of a thread as model input, oldest first; `newest` is how many, 1 to 100.

    `message` is the last of them, where the turn answers one.
    """
    items = await _newest_first(store, thread, message, newest, context)
    return await HistoryConverter().to_agent_input(items[:newest][::-1])


async def _newest_first(
    store: Store[RequestContext],
    thread: ThreadMetadata,
    message: UserMessageItem | None,
    newest: int,
    context: RequestContext,
) -> list[ThreadItem]:
    if message is None:
        return (await store.load_thread_items(thread.id, None, newest, "desc", context)).data
    if not isinstance(context, TurnContext) or context.earlier is None:
        # What follows the message, where it is answered again, is not part of what is asked.
        earlier = (await store.load_thread_items(thread.id, message.id, newest, "desc", context)).data
        return [message, *earlier]
    earlier = (await context.earlier).data
    return [message, *(item for item in earlier if item.id != message.id)]
