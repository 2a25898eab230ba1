"""The history that the model is given: the newest items of the thread, as many as the limits let in."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agents import TResponseInputItem
from chatkit.types import Page, ThreadItem, ThreadMetadata, UserMessageItem

from chat_api.assistant.entities import Entities
from chat_api.assistant.history import HistoryConverter
from chat_api.runs.context import TurnContext
from chat_api.server.memory import summary, tool_calls
from chat_api.server.memory.folding import Fold, Seen, fold_of
from chat_api.server.memory.summary import Summary
from chat_api.server.memory.window import Limits, Part, first_of
from chat_api.tokens import tokens_of
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class History:
    """What the model is given, oldest first, and the newest message of the user's in it, which is what is answered.

    `fold` is what of it is to be summed up, so that later turns are told of it, `items` what was read of the thread.
    """

    input: list[TResponseInputItem]
    question: UserMessageItem | None
    fold: Fold | None = None
    items: Sequence[ThreadItem] = ()


async def load_history(
    store: DynamoDBStore,
    thread: ThreadMetadata,
    message: UserMessageItem | None,
    limits: Limits,
    context: RequestContext,
) -> History:
    """The newest items of a thread as model input. Raises as the store does.

    `message` is the last of them, where the turn answers one. An item is given whole or not at all, so that a tool's
    result is never without its call. One that cannot be given is left out, and the log says so. What is before the
    newest summary among them is not given, but the summary.
    """
    page = await _newest_first(store, thread, message, limits.items, context)
    known, items = _since_summary(page.data)
    question = next((item for item in page.data if isinstance(item, UserMessageItem)), None)
    inputs = await _inputs_of(items, question, HistoryConverter(Entities(store, context)))
    parts = [
        Part(item.id, tokens_of(input_), isinstance(item, UserMessageItem))
        for item, input_ in zip(items, inputs, strict=True)
    ]
    told = summary.to_inputs(known) if known else []
    seen = Seen(known, known is not None or not page.has_more, items, inputs, parts)
    left = Limits(limits.items, max(limits.tokens - tokens_of(told), 1)) if told else limits
    first = first_of(parts, left, is_all=seen.is_all)
    given = [*told, *(item for input_ in inputs[first:] for item in input_)]
    return History(given, question, fold_of(seen, limits) if message else None, page.data)


def _since_summary(newest_first: Sequence[ThreadItem]) -> tuple[Summary | None, list[ThreadItem]]:
    """The newest summary, and the items that follow it, oldest first; all of them where there is none."""
    for index, item in enumerate(newest_first):
        if (found := summary.in_item(item)) is not None:
            return found, [*newest_first[:index]][::-1]
    return None, [*newest_first[::-1]]


async def _inputs_of(
    items: Sequence[ThreadItem], question: UserMessageItem | None, converter: HistoryConverter
) -> list[list[TResponseInputItem]]:
    """What each of the items is to the model; nothing for one of which a converter makes nothing but an error.

    Raises as it does where it is the question, without which there is no answer.
    """
    inputs, broken = list[list[TResponseInputItem]](), Counter[str]()
    for item in items:
        try:
            calls = tool_calls.calls_of(item)
            if calls is not None:
                inputs.append(tool_calls.to_inputs(item.id, calls))
            else:
                inputs.append(await converter.to_input(item, is_newest_message=item is question))
        except Exception as error:
            if item is question:
                raise
            broken[f"{item.type}: {type(error).__name__}"] += 1
            inputs.append([])
    if broken:
        logger.error("items are left out of what the model sees: %s", dict(broken))
    return inputs


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
    elif (await context.lease.taken()).others_wrote:
        page = await store.load_thread_items(thread.id, None, newest, "desc", context)
    else:
        page = await context.earlier
    earlier = [item for item in page.data if item.id != message.id]
    return Page(data=[message, *earlier], has_more=page.has_more)
