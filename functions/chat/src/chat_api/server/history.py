"""The history that the model is given: the newest items of the thread, as many as the limits let in."""

from dataclasses import dataclass

from agents import TResponseInputItem
from chatkit.types import Page, ThreadItem, ThreadMetadata, UserMessageItem

from chat_api.assistant.entities import Entities
from chat_api.assistant.history import HistoryConverter
from chat_api.runs.context import TurnContext
from chat_api.server.estimate import tokens_of
from chat_api.server.window import Limits, Part, first_of
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore


@dataclass(frozen=True, slots=True)
class History:
    """What the model is given, oldest first, and the newest message of the user's in it, which is what is answered."""

    input: list[TResponseInputItem]
    question: UserMessageItem | None


async def load_history(
    store: DynamoDBStore,
    thread: ThreadMetadata,
    message: UserMessageItem | None,
    limits: Limits,
    context: RequestContext,
) -> History:
    """The newest items of a thread as model input. Raises as the store does.

    `message` is the last of them, where the turn answers one. An item is given whole or not at all, so that a tool's
    result is never without its call.
    """
    page = await _newest_first(store, thread, message, limits.items, context)
    items = page.data[::-1]
    inputs = await HistoryConverter(Entities(store, context)).to_inputs(items)
    parts = [
        Part(item.id, tokens_of(input_), isinstance(item, UserMessageItem))
        for item, input_ in zip(items, inputs, strict=True)
    ]
    first = first_of(parts, limits, is_all=not page.has_more)
    question = next((item for item in page.data if isinstance(item, UserMessageItem)), None)
    return History([item for input_ in inputs[first:] for item in input_], question)


async def _newest_first(
    store: DynamoDBStore,
    thread: ThreadMetadata,
    message: UserMessageItem | None,
    newest: int,
    context: RequestContext,
) -> Page[ThreadItem]:
    if message is None:
        return await store.load_thread_items(thread.id, None, newest, "desc", context)
    if not isinstance(context, TurnContext) or context.earlier is None:
        # What follows the message, where it is answered again, is not part of what is asked.
        page = await store.load_thread_items(thread.id, message.id, newest, "desc", context)
    else:
        page = await context.earlier
    earlier = [item for item in page.data if item.id != message.id]
    return Page(data=[message, *earlier], has_more=page.has_more)
