"""What the user is asked to allow before a tool acts that has `needs_approval`, or is of a server that asks for it."""

import json

from chatkit.agents import AgentContext

from chat_api.arguments import plain, shown
from chat_api.assistant.tasks import Tasks
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import RecordNotFound
from chatkit_aws.store import DynamoDBStore

_DELETE = mark("Delete the task “{title}”.")
_CALL = mark("Call {tool} with {arguments}.")


async def described(tool: str, arguments: str, context: AgentContext[RequestContext]) -> str:
    """What a call would do, in the user's language; name a tool of yours here for words that fit it.

    The arguments are the model's words. What they mean is looked up for who asks.
    """
    locale = context.request_context.locale
    if tool == "delete_task" and (title := await _title(arguments, context)) is not None:
        return say(locale, _DELETE, title=plain(title, locale))
    return say(locale, _CALL, tool=tool, arguments=shown(arguments, locale))


async def _title(arguments: str, context: AgentContext[RequestContext]) -> str | None:
    """The title of the task that is meant; None where there is none."""
    store = context.store
    assert isinstance(store, DynamoDBStore)  # noqa: S101 - the application has no other
    try:
        task_id = json.loads(arguments)["task_id"]
        return (await Tasks(store, context.request_context).get(str(task_id))).title
    except (ValueError, TypeError, KeyError, RecordNotFound):
        return None
