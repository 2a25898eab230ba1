"""An answer on its way to the user, and what is taken back of it where a check refuses something."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

from agents.exceptions import InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered
from chatkit.types import AssistantMessageItem, ThreadItemDoneEvent, ThreadStreamEvent, WorkflowItem

from chat_api.failures import failure_of
from chat_api.runs.ending import Ending
from chat_api.server.events.delivery import is_hidden
from chat_api.server.events.shown import Shown
from chat_api.server.events.streams import closing
from chat_api.server.judging.judging import Judging

type TakeBack = Callable[[], Iterator[ThreadStreamEvent]]
"""The events that take back what the user said."""

_TRIPPED = (InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered)


async def judged(
    events: AsyncIterator[ThreadStreamEvent], judging: Judging, take_back: TakeBack, ending: Ending
) -> AsyncGenerator[ThreadStreamEvent]:
    """The events of an answer, of which a check may refuse something. Raises as they do, and as the SDK where one does.

    What is shown as it is said is stored when it is done, and that event waits here for the verdicts on it and on the
    question: whatever happens, no message is in the thread that was not judged, or that answers what was not. Thoughts
    alone go by, else the words after them would wait; they are taken back, with what else there is, where one refuses.
    """
    shown = Shown()
    met: BaseException | None = None
    try:
        async with closing(events):
            async for event in events:
                shown.note(event)
                if (text := _text_of(event)) is not None and not await judging.lets(text):
                    break  # what was shown of it is stored as it is, if it stays
                yield event
    except GeneratorExit:
        # Who reads has failed: there is no time to ask, and nobody to tell.
        ending.keeps = judging.passes(shown.texts)
        raise
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised below
        met = error
    met, stays = await _outcome(judging, shown, met, ending)
    for event in () if stays else _taken_back(shown, take_back, met, judging, ending):
        yield event
    if met is not None:
        raise met


async def _outcome(
    judging: Judging, shown: Shown, met: BaseException | None, ending: Ending
) -> tuple[BaseException | None, bool]:
    """What is to be raised after an answer that met this, and whether there is nothing to be taken back.

    Where the turn is to end, nothing cuts the verdict short; nor what is taken back.
    """
    ending.is_storing = ending.is_storing or ending.cause is not None
    if ending.cause == "lost":
        # It is another run's thread, where nothing can be taken back, nor comes what was not judged.
        ending.keeps = judging.passes(shown.texts)
        return met, True
    stays = not isinstance(met, _TRIPPED)
    try:
        if stays:
            stays = await judging.settled(shown.texts if met is not None or ending.cause is not None else ())
    except _TRIPPED as tripped:
        met, stays = tripped, False
    ending.is_storing = ending.is_storing or not stays
    ending.keeps = ending.keeps and stays
    return met, stays


def _text_of(event: ThreadStreamEvent) -> str | None:
    """The words of what is done with this event, which may be none; None where nothing is that waits for verdicts."""
    match event:
        case ThreadItemDoneEvent(item=AssistantMessageItem(content=content)):
            return "".join(part.text for part in content)
        case ThreadItemDoneEvent(item=item) if not isinstance(item, WorkflowItem) and not is_hidden(item):
            return ""
    return None


def _taken_back(
    shown: Shown, take_back: TakeBack, met: BaseException | None, judging: Judging, ending: Ending
) -> Iterator[ThreadStreamEvent]:
    """The events that take back the answer, and what the user said where that is refused.

    Not where the same may be tried again, as after a check that failed: then it is judged with what is said next. But
    where the answer was stopped before the verdict nobody would try, and be surprised if something else is refused;
    unless this was a retry, which leaves what was there.
    """
    yield from shown.removed()
    is_refused = isinstance(met, InputGuardrailTripwireTriggered) and not failure_of(met).allow_retry
    is_open = ending.cause is not None and judging.is_open and not ending.is_retry
    if is_refused or is_open:
        ending.is_taken_back = True
        yield from take_back()
