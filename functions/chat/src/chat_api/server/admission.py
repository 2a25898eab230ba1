"""What is refused before anything is done for it."""

from chatkit.errors import CustomStreamError
from chatkit.types import (
    AttachmentsCreateReq,
    AttachmentsDeleteReq,
    ClosedStatus,
    LockedStatus,
    ThreadMetadata,
    ThreadsRetryAfterItemReq,
    ThreadsSyncCustomActionReq,
)

from chat_api.operation import Operation
from chat_api.problems import Unsupported
from chat_api.runs.context import TurnContext
from chat_api.texts import mark
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

UNKNOWN_ACTION = mark("This assistant does not know that action.")


async def check(
    operation: Operation, store: DynamoDBStore, context: RequestContext, *, takes_attachments: bool
) -> None:
    """Refuse what the SDK would only find out after it has stored or sent something, or not at all.

    Raises CustomStreamError where the thread takes no turn, Unsupported, and the SDK's `NotFoundError` for an
    attachment, message or thread that the caller does not have.
    """
    request = operation.request
    acts = isinstance(context, TurnContext) or isinstance(request, ThreadsSyncCustomActionReq)
    if acts and operation.thread_id and not operation.message:
        refuse_unless_active(await store.load_thread(operation.thread_id, context))
    if isinstance(request, AttachmentsCreateReq | AttachmentsDeleteReq) and not takes_attachments:
        raise Unsupported("This assistant takes no attachments.")
    if isinstance(request, ThreadsRetryAfterItemReq):
        await store.load_item(request.params.thread_id, request.params.item_id, context)
    for attachment_id in operation.message.attachments if operation.message else ():
        await store.load_attachment(attachment_id, context)


def refuse_unless_active(thread: ThreadMetadata) -> None:
    """Raises CustomStreamError with the reason that the thread has, for one that is locked or closed."""
    match thread.status:
        case LockedStatus(reason=reason):
            raise CustomStreamError(reason or mark("This conversation is locked."), allow_retry=False)
        case ClosedStatus(reason=reason):
            raise CustomStreamError(reason or mark("This conversation is closed."), allow_retry=False)
