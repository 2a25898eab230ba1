"""An answer on its way to the user, and what is taken back of it where a check refuses something."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from agents.exceptions import InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered
from chatkit.types import ThreadStreamEvent

from chat_api.failures import failure_of
from chat_api.runs.ending import Ending
from chat_api.server.events.shown import Shown
from chat_api.server.events.streams import closing
from chat_api.server.judging.judging import Judging

type TakeBack = Callable[[], Iterator[ThreadStreamEvent]]
"""The events that take back what the user said."""


async def judged(
    events: AsyncIterator[ThreadStreamEvent], judging: Judging, take_back: TakeBack, ending: Ending
) -> AsyncGenerator[ThreadStreamEvent]:
    """The events of an answer, of which a check may refuse something. Raises as they do, and as the SDK where one does.

    However the answer ends, nothing stays of it that was not judged, or that answers what was not: an answer in the
    thread means that what was said before was let through.
    """
    shown = Shown()
    met: BaseException | None = None
    try:
        async with closing(events):
            async for event in events:
                shown.note(event)
                yield event
    except GeneratorExit:
        # Who reads has failed: there is no time to ask, and nobody to tell.
        ending.keeps = judging.passes(shown.texts)
        raise
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised below
        met = error
    met, stays = await _outcome(judging, shown, met, ending)
    ending.is_storing = ending.is_storing or not stays  # nothing cuts this short
    for event in () if stays else _taken_back(shown, take_back, met, judging, ending):
        yield event
    if met is not None:
        raise met


async def _outcome(
    judging: Judging, shown: Shown, met: BaseException | None, ending: Ending
) -> tuple[BaseException | None, bool]:
    """What is to be raised after an answer that met this, and whether the answer stays."""
    if ending.cause == "lost":
        return met, True  # it is another run's thread: nothing can be taken back there, and nothing was left
    if isinstance(met, InputGuardrailTripwireTriggered | OutputGuardrailTripwireTriggered):
        return met, False
    is_early = met is not None or ending.cause is not None
    try:
        return met, await judging.settled(shown.texts if is_early else ())
    except (InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered) as tripped:
        return tripped, False


def _taken_back(
    shown: Shown, take_back: TakeBack, met: BaseException | None, judging: Judging, ending: Ending
) -> Iterator[ThreadStreamEvent]:
    """The events that take back the answer, and what the user said where that is refused.

    Not where the same may be tried again, as after a check that failed: then it is judged with what is said next. But
    where the answer was stopped before the verdict nobody would try, and be surprised if something else is refused.
    """
    yield from shown.removed()
    is_refused = isinstance(met, InputGuardrailTripwireTriggered) and not failure_of(met).allow_retry
    if is_refused or (ending.cause is not None and judging.is_open):
        yield from take_back()
