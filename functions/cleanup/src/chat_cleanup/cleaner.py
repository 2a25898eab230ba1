"""Does jobs, for as long as there is time."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import assert_never

from chat_cleanup.jobs import Job, RemoveAttachment, RemoveObject, RemoveThread
from chatkit_aws.store.cascade import Cascade, Removed
from chatkit_aws.store.keys import ThreadKeys

WIND_UP = 40.0
"""Seconds before its end when an invocation begins no further step: longer than a step's retries take."""
HAND_OVER = 8.0
"""Seconds before its end when a step is broken off: time to put what is left into the queue."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When Lambda ends the invocation, on the monotonic clock."""

    end: float

    @classmethod
    def after(cls, milliseconds: float) -> "Deadline":
        """That many from now."""
        return cls(time.monotonic() + milliseconds / 1000)

    @property
    def is_near(self) -> bool:
        """Whether it is too late to begin anything."""
        return time.monotonic() >= self.end - WIND_UP

    @property
    def seconds_left(self) -> float:
        """Until a step that still runs must be broken off."""
        return self.end - HAND_OVER - time.monotonic()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to."""

    removed: Removed
    is_finished: bool = True


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Does one job after the other, or many at once; none minds being done again."""

    cascade: Cascade

    async def do(self, job: Job, deadline: Deadline) -> Outcome:
        """Do a job, or as much of it as there is time for. Raises StoreUnavailable, StoreRefused, InvalidId."""
        match job:
            case RemoveThread():
                return await self._thread(job.thread, lambda: deadline.is_near, deadline.seconds_left)
            case RemoveAttachment():
                return Outcome(await self.cascade.attachment(job.owner, job.attachment_id))
            case RemoveObject():
                return Outcome(await self.cascade.item_object(job.row, job.object))
        assert_never(job)

    async def _thread(self, thread: ThreadKeys, is_late: Callable[[], bool], seconds: float) -> Outcome:
        """A thread's rows and objects, step by step: what is removed stays so, and is known."""
        removed = Removed()
        try:
            async with asyncio.timeout(seconds), aclosing(self.cascade.steps(thread)) as steps:
                async for step in steps:
                    removed += step
                    if is_late():
                        return Outcome(removed, is_finished=False)
        except TimeoutError:
            return Outcome(removed, is_finished=False)
        return Outcome(removed)
