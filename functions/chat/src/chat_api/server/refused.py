"""What becomes of a question that a guardrail has refused."""

from collections.abc import AsyncIterator
from itertools import takewhile

from agents.exceptions import InputGuardrailTripwireTriggered
from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    ThreadItemRemovedEvent,
    ThreadMetadata,
    UserMessageItem,
)

from chat_api.failures import failure_of
from chat_api.runs.context import TurnContext
from chatkit_aws.store import DynamoDBStore


async def refused(
    tripped: InputGuardrailTripwireTriggered,
    store: DynamoDBStore,
    thread: ThreadMetadata,
    newest: int,
    context: TurnContext,
) -> AsyncIterator[ThreadItemRemovedEvent]:
    """Take back what the user, or a client tool, said since the last answer. Raises as the store does.

    Else the model would be shown it with the next question, after which nobody asks the guardrail any more. Where the
    same may be tried again, as after a check that failed, it stays.
    """
    if failure_of(tripped).allow_retry:
        return
    page = await store.load_thread_items(thread.id, None, newest, "desc", context)
    for item in takewhile(lambda item: not isinstance(item, AssistantMessageItem), page.data):
        if isinstance(item, UserMessageItem | ClientToolCallItem):
            yield ThreadItemRemovedEvent(item_id=item.id)
