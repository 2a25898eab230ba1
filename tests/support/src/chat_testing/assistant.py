"""The example assistant, asked for one of its tools by a scripted model, and what it keeps for a user."""

from typing import Any

from agents.testing import function_call
from ulid import ULID

from chat_api.assistant.tasks import Tasks
from chat_testing.app import App
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient
from chatkit_aws.store import DynamoDBStore

UNKNOWN = "rec_01KASVN8Z0T4XN8ZC6V2M1QEJB"
"""A task's id that nobody has."""


def tasks_of(app: App, user: str) -> Tasks:
    """A user's tasks, as they are kept."""
    return Tasks(DynamoDBStore(app.table_name, app.dynamodb), context(user, "default"))


def calls(app: App, tool: str, **arguments: Any) -> None:
    """Have the model call a tool next."""
    app.models.model.enqueue([function_call(tool, arguments, call_id=f"call_{ULID()}", item_id=f"fc_{ULID()}")])


async def ask(app: App, user: ChatClient, tool: str, **arguments: Any) -> Answer:
    """A new thread in which the model calls a tool and then says a word."""
    calls(app, tool, **arguments)
    app.models.say("As you wish")
    return await user.create("Do it")


def given(app: App) -> str:
    """What the model was given in its last call."""
    call = app.models.model.last_call
    assert call is not None
    return str(call.input)


def told(app: App) -> str:
    """What the one tool of a turn told the model."""
    call = app.models.model.last_call
    assert call is not None
    [output] = [item["output"] for item in call.input if isinstance(item, dict) and "output" in item]
    return str(output)


async def reloaded(user: ChatClient, thread_id: str) -> list[dict[str, Any]]:
    """The thread's items after a reload, which are the same however the page asks for them."""
    thread = (await user.send("threads.get_by_id", thread_id=thread_id)).json
    items = await user.items(thread_id)
    assert thread["items"]["data"] == items
    return items
