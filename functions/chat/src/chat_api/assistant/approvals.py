"""What the user is asked to allow before a tool acts that has `needs_approval`, or is of a server that asks for it."""

import json
from typing import Any

from chatkit.agents import AgentContext

from chat_api.arguments import plain, shown
from chat_api.assistant.tasks import Tasks
from chat_api.texts import mark, say
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import RecordNotFound
from chatkit_aws.store import DynamoDBStore

_DELETE = mark("Delete the task “{title}”.")
_CALL = mark("Call {tool} with {arguments}.")


async def in_words(tool: str, given: dict[str, Any], context: AgentContext[RequestContext]) -> str | None:
    """What a call would do, in the user's language: give a tool of yours its words here. None where it has none.

    What is given are the model's words: what they mean is looked up for who asks, and what is shown of them is `plain`.
    """
    locale = context.request_context.locale
    match tool, given:
        case "delete_task", {"task_id": str(task_id)} if (title := await _title(task_id, context)) is not None:
            return say(locale, _DELETE, title=plain(title, locale))
    return None


async def described(tool: str, arguments: str, context: AgentContext[RequestContext]) -> str:
    """What the user reads of a call: what it would do in words, or the call as it is."""
    words = await in_words(tool, _object(arguments), context)
    locale = context.request_context.locale
    return words or say(locale, _CALL, tool=tool, arguments=shown(arguments, locale))


async def _title(task_id: str, context: AgentContext[RequestContext]) -> str | None:
    """The title of the task that is meant; None where there is none."""
    store = context.store
    assert isinstance(store, DynamoDBStore)  # noqa: S101 - the application has no other
    try:
        return (await Tasks(store, context.request_context).get(task_id)).title
    except RecordNotFound:
        return None


def _object(arguments: str) -> dict[str, Any]:
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
