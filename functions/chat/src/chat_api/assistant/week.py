"""The plan of a week, and how it is made, step by step before the user's eyes: a workflow."""

import json
from collections.abc import Sequence
from datetime import date, timedelta

from agents import function_tool
from chatkit.types import CustomSummary, CustomTask, SearchTask, ThoughtTask, Workflow

from chat_api.assistant.refusals import explain
from chat_api.assistant.run import Run, progress, said, tasks_of
from chat_api.assistant.tasks import ListedTask
from chat_api.texts import mark

DAYS = 7
MOST_TOLD = 100
"""Tasks of a plan that the model is told of."""

_PLANNING = mark("Planning the week")
_LOOKING = mark("Looking through the tasks")
_ORDERING = mark("What comes first")
_ORDER = mark("Overdue: {overdue}. Due this week: {due}. Without a date: {undated}.")
_SPREADING = mark("Spreading them over the days")
_PLANNED = mark("Planned the week")


def week_of(tasks: Sequence[ListedTask], first: date) -> dict[date, list[ListedTask]]:
    """The tasks by the days of a week that begins with `first`; what is due after it is left out.

    What is overdue comes on the first day, what has a date on its day, and each of the rest where there is least to do.
    """
    days: dict[date, list[ListedTask]] = {first + timedelta(days=number): [] for number in range(DAYS)}
    for task in tasks:
        if task.due is not None and (day := max(task.due, first)) in days:
            days[day].append(task)
    for task in tasks:
        if task.due is None:
            min(days.values(), key=len).append(task)
    return days


@function_tool(failure_error_function=explain)
async def plan_week(run: Run, today: date) -> str:
    """Propose on which day of the next seven the user does which of their tasks. Nothing is changed by it.

    Args:
        run: The run that calls the tool; not shown to the model.
        today: The user's date, the first day of the plan; current_time tells it.
    """
    page, last = run.context, today + timedelta(days=DAYS - 1)
    await progress(run, "calendar", _PLANNING)
    # One that the model's reasoning has begun would take these steps for its own.
    await page.end_workflow()
    await page.start_workflow(Workflow(type="custom", tasks=[]))
    await page.add_workflow_task(SearchTask(title=said(run, _LOOKING), status_indicator="loading"))
    tasks = [task for task in await tasks_of(run).all() if not task.done]
    await page.update_workflow_task(SearchTask(title=said(run, _LOOKING), status_indicator="complete"), 0)
    await page.add_workflow_task(ThoughtTask(title=said(run, _ORDERING), content=_order(run, tasks, today, last)))
    planned = [task for task in tasks if task.due is None or task.due <= last]
    spread = "\n".join(f"{day.isoformat()}: {len(found)}" for day, found in week_of(planned, today).items())
    await page.add_workflow_task(CustomTask(title=said(run, _SPREADING), icon="calendar", content=spread))
    await page.end_workflow(CustomSummary(title=said(run, _PLANNED), icon="calendar"))
    told = planned[:MOST_TOLD]
    return f"Proposed; {len(told)} of its {len(planned)} tasks are: {_as_json(week_of(told, today))}"


def _order(run: Run, tasks: Sequence[ListedTask], today: date, last: date) -> str:
    dates = [task.due for task in tasks if task.due is not None]
    overdue = sum(due < today for due in dates)
    soon = sum(today <= due <= last for due in dates)
    return said(run, _ORDER, overdue=overdue, due=soon, undated=len(tasks) - len(dates))


def _as_json(days: dict[date, list[ListedTask]]) -> str:
    """The plan for the model: titles by day."""
    titles = {day.isoformat(): [task.title for task in tasks] for day, tasks in days.items()}
    return json.dumps(titles, ensure_ascii=False)
