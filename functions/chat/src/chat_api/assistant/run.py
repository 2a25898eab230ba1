"""What a tool has at hand: the user's tasks, and ways to tell them in their language what goes on."""

from typing import Literal

from agents import RunContextWrapper
from chatkit.agents import AgentContext
from chatkit.icons import IconName
from chatkit.types import NoticeEvent, ProgressUpdateEvent

from chat_api.assistant.tasks import Tasks
from chat_api.texts import say
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

Run = RunContextWrapper[AgentContext[RequestContext]]


def tasks_of(run: Run) -> Tasks:
    """The tasks of who asks."""
    store = run.context.store
    assert isinstance(store, DynamoDBStore)  # noqa: S101 - the application has no other
    return Tasks(store, run.context.request_context)


def said(run: Run, text: str, **values: object) -> str:
    """A text that was marked, in the language of who asks."""
    return say(run.context.request_context.locale, text, **values)


async def progress(run: Run, icon: IconName, text: str, **values: object) -> None:
    """Tell the user what is being done; the next thing that they are shown takes its place."""
    await run.context.stream(ProgressUpdateEvent(icon=icon, text=said(run, text, **values)))


async def notice(run: Run, level: Literal["info", "warning", "danger"], text: str, **values: object) -> None:
    """Tell the user something besides the answer; it is not stored."""
    await run.context.stream(NoticeEvent(level=level, message=said(run, text, **values)))
