"""Which day a task is planned for, and when it is overdue."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chat_api.assistant.tasks import ListedTask
from chat_api.assistant.week import DAYS, week_of

TODAY = date(2026, 12, 1)


def task(name: str, due: date | None = None, *, done: bool = False) -> ListedTask:
    return ListedTask(id=name, title=name, due=due, done=done)


def names(tasks: list[ListedTask]) -> list[list[str]]:
    return [[found.id for found in day] for day in week_of(tasks, TODAY).values()]


def test_task_is_planned_for_its_day_and_an_overdue_one_for_the_first() -> None:
    last = TODAY + timedelta(days=DAYS - 1)
    late, soon, later = task("late", date(2026, 1, 1)), task("soon", last), task("later", last + timedelta(days=1))
    assert names([late, soon, later]) == [["late"], [], [], [], [], [], ["soon"]]


def test_tasks_without_a_date_come_where_there_is_least_to_do() -> None:
    dated = [task("a", TODAY), task("b", TODAY), task("c", TODAY + timedelta(days=1))]
    undated = [task(str(number)) for number in range(6)]
    assert names([*dated, *undated]) == [["a", "b"], ["c", "5"], ["0"], ["1"], ["2"], ["3"], ["4"]]


@pytest.mark.parametrize(
    ("due", "done", "hour", "expected"),
    [
        (date(2026, 11, 30), False, 11, False),
        (date(2026, 11, 30), False, 12, True),
        (date(2026, 11, 30), True, 12, False),
        (date(2026, 12, 1), False, 23, False),
        (None, False, 12, False),
    ],
    ids=["still that day somewhere", "over everywhere", "done", "today", "no date"],
)
def test_task_is_overdue_when_its_day_is_over_wherever_the_user_is(
    due: date | None, done: bool, hour: int, expected: bool
) -> None:
    now = datetime(2026, 12, 1, hour, tzinfo=UTC)
    assert task("x", due, done=done).is_overdue(now) is expected
