"""Why and how a turn ends before its answer does."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Literal

type Cause = Literal["stopped", "lost", "deadline"]
"""`stopped`: the user wants no more of it. `lost`: another run has the thread. `deadline`: the platform ends soon."""


@dataclass(slots=True)
class Ending:
    """One turn's: who ends it says why, and who stores what there is of the answer asks.

    `cut` ends the model's run while there is one: its stream then ends by itself, and leaves nothing behind. `answer`
    is the answer's stream, to be closed where who reads it fails. From when `is_storing` what there is of the answer is
    being stored, which nothing cuts short; it is not kept (`keeps`) where it was not judged. From when it `is_final`
    what the user sent counts, and would not be taken a second time: no retry is offered. Nor is one where what they
    sent `is_taken_back`. A turn that `is_retry` leaves, where it ends early, the thread as it was.
    """

    cause: Cause | None = None
    cut: Callable[[], None] | None = None
    answer: AsyncGenerator[object] | None = None
    is_storing: bool = False
    is_final: bool = False
    is_taken_back: bool = False
    is_retry: bool = False
    keeps: bool = True

    async def store(self) -> None:
        """Begin to store what there is of the answer, which ends here in any case."""
        self.is_storing = True
        if self.answer is not None:
            await self.answer.aclose()

    def raise_cancelled(self) -> None:
        """Raises CancelledError where the answer has ended because the turn is to end."""
        if self.cause is not None:
            raise asyncio.CancelledError
