"""What happens when the form of a task is used: it is saved, or shown again with what is wrong, or opened again."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from chatkit.errors import CustomStreamError
from chatkit.types import NoticeEvent, ThreadStreamEvent
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chat_api.assistant.tasks import MAX_TITLE, ListedTask, Tasks
from chat_api.assistant.widgets.task_form import filled_form, is_open, is_task_form, saved_task, task_form
from chat_api.texts import mark, say
from chat_api.toolkit.calls import INVALID, ActionCall, shows
from chatkit_aws.errors import RecordNotFound, RecordsFull

GONE = mark("This task is no longer there.")
_NO_TITLE = mark("A title has 1 to {most} characters.")
_NO_DATE = mark("This is not a date.")
_FULL = mark("You have {most} tasks and can have no more. Delete some first.")


class NotADate(Exception):
    """A date was written in a way that is not known."""


class Edit(BaseModel):
    """The payload of `task.edit`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str


class Save(BaseModel):
    """The payload of `task.save`: the id, for a task that there is already, and the fields as they were filled in.

    More than any form holds is refused; what does not make a task is shown again.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str | None = None
    title: Annotated[str, Field(max_length=2_000)] = ""
    due: Annotated[str, Field(max_length=100)] | None = None

    @property
    def due_date(self) -> date | None:
        """The day, whether it was written with a time or without. Raises NotADate."""
        try:
            return date.fromisoformat(self.due.partition("T")[0]) if self.due else None
        except ValueError:
            raise NotADate from None


async def edit(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    """Open a form again that was saved, with the task as it is now."""
    asked, sender, locale = call.payload(Edit), call.sender_if(is_task_form), call.context.locale
    try:
        task = await Tasks(call.store, call.context).get(asked.task_id)
    except RecordNotFound:
        yield NoticeEvent(level="info", message=say(locale, GONE))
        return
    if sender is not None:
        yield shows(sender, task_form(task, locale))


async def save(call: ActionCall) -> AsyncIterator[ThreadStreamEvent]:
    """Save what was written into a form, or show in it what is wrong. A form that was saved is not saved again.

    A thread has one turn at a time, so that a second click finds what the first one left.
    """
    asked, sender, locale = call.payload(Save), call.sender_if(is_task_form), call.context.locale
    if sender is None:
        raise CustomStreamError(INVALID, allow_retry=False)
    if not is_open(sender.widget):
        yield shows(sender, sender.widget)
        return
    try:
        task = await _saved(Tasks(call.store, call.context), asked)
    except (ValidationError, NotADate, RecordNotFound, RecordsFull) as error:
        due = None if isinstance(error, NotADate) else asked.due_date
        yield shows(sender, filled_form(asked.task_id, asked.title, due, _wrong(error, locale), locale))
    else:
        yield shows(sender, saved_task(task, locale))


async def _saved(tasks: Tasks, asked: Save) -> ListedTask:
    due = asked.due_date
    if asked.task_id is None:
        return await tasks.add(asked.title, due)
    return await tasks.update(asked.task_id, title=asked.title, due=due, remove_due=due is None)


def _wrong(error: Exception, locale: str) -> str:
    """What the user has to know of an error to put it right."""
    match error:
        case RecordNotFound():
            return say(locale, GONE)
        case RecordsFull(most=most):
            return say(locale, _FULL, most=most)
        case ValidationError():
            return say(locale, _NO_TITLE, most=MAX_TITLE)
    return say(locale, _NO_DATE)
