"""An event loop whose time is the test's: a wait takes none, and comes to an end exactly when it should."""

import asyncio
import gc
import selectors
from collections.abc import Coroutine
from typing import Any

Selected = list[tuple[selectors.SelectorKey, int]]


class _Selector(selectors.SelectSelector):
    """Lets time pass where the loop would wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Selected:
        if timeout is None:
            raise AssertionError("every task waits, and for nothing that time brings")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0 and goes on only when all tasks wait, to the moment for which the first one does.

    `complaints` are what the loop would have logged: tasks that were destroyed, exceptions that nobody took.
    """

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)
        self.complaints: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, context: self.complaints.append(context))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now


def run[T](scenario: Coroutine[Any, Any, T]) -> T:
    """What a scenario returns; raises `AssertionError` if it left a task behind or the loop has a complaint."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        found = runner.run(scenario)
        left = asyncio.all_tasks(loop)
        gc.collect(1)  # what the scenario made is young, and all else takes long to look through
        runner.run(asyncio.sleep(0))
    assert not left, left
    assert not loop.complaints, loop.complaints
    return found
