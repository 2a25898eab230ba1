"""What the assistant asks the user where a task's details are missing: questions that are answered with a click.

The questions are an item of the thread, and so are the answers, which the model finds in its history. A user may skip
one or all of them, answer in other words than are offered, or write a message instead.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from agents import function_tool
from chatkit.types import (
    StructuredInput,
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItemDoneEvent,
)

from chat_api.assistant.run import Run, said
from chat_api.texts import mark
from chat_api.toolkit.pauses import WAITS

Detail = Literal["title", "due_date"]

_DAYS = (mark("Today"), mark("Tomorrow"), mark("Next week"), mark("No date"))


@function_tool
async def ask_details(run: Run, missing: Sequence[Detail]) -> str:
    """Ask the user for what is missing of a task that they want to add. Do not ask for what they have said.

    Args:
        run: The run that calls the tool; not shown to the model.
        missing: What is missing, at least one.
    """
    questions = [_QUESTIONS[detail](run) for detail in dict.fromkeys(missing)]
    if not questions:
        return "Nothing was asked: say what is missing."
    item = StructuredInputItem(
        id=run.context.generate_id("message"),
        thread_id=run.context.thread.id,
        created_at=datetime.now(),  # noqa: DTZ005 - as the SDK stamps what it makes; the process is in UTC
        inputs=questions,
    )
    await run.context.stream(ThreadItemDoneEvent(item=item))
    return WAITS


def _title(run: Run) -> StructuredInput:
    return StructuredInputFreeform(id="title", question=said(run, mark("What is to be done?")))


def _due_date(run: Run) -> StructuredInput:
    options = [StructuredInputMultipleChoiceOption(value=said(run, day)) for day in _DAYS]
    return StructuredInputMultipleChoice(id="due_date", question=said(run, mark("When is it due?")), options=options)


_QUESTIONS: Mapping[Detail, Callable[[Run], StructuredInput]] = {"title": _title, "due_date": _due_date}
