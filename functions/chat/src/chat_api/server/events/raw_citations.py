"""The model's citations in a form that the ChatKit SDK can read."""

from collections.abc import AsyncIterator
from typing import cast

from agents import RunResultStreaming, StreamEvent
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseOutputTextAnnotationAddedEvent,
)
from openai.types.responses.response_output_text import Annotation
from pydantic import BaseModel, TypeAdapter, ValidationError

_KNOWN: TypeAdapter[Annotation] = TypeAdapter(Annotation)


def readable(run: RunResultStreaming) -> RunResultStreaming:
    """The run with citations that `stream_agent_response` can read, which reads nothing of it but its events.

    OpenAI's client gives a streamed citation a class of the event's own (openai 3.52.0); the ChatKit SDK knows only
    those of a whole text (1.6.5) and raises, so that each answer with a citation would fail. It raises as well for one
    of another kind, or without all its fields, as other servers send them: those are left out.
    """
    return cast("RunResultStreaming", _Readable(run))


class _Readable:
    def __init__(self, run: RunResultStreaming) -> None:
        self._run = run

    async def stream_events(self) -> AsyncIterator[StreamEvent]:
        async for event in self._run.stream_events():
            if event.type == "raw_response_event":
                if (data := _with_known(event.data)) is None:
                    continue
                event.data = data
            yield event


def _with_known(data: TResponseStreamEvent) -> TResponseStreamEvent | None:
    """The event with the citations that are known; None where it has nothing else."""
    match data:
        case ResponseOutputTextAnnotationAddedEvent(annotation=annotation):
            known = _known(annotation)
            return None if known is None else data.model_copy(update={"annotation": known})
        case ResponseOutputItemDoneEvent(item=ResponseOutputMessage(content=content) as item):
            message = item.model_copy(update={"content": [_part(part) for part in content]})
            return data.model_copy(update={"item": message})
    return data


def _part(part: ResponseOutputText | ResponseOutputRefusal) -> ResponseOutputText | ResponseOutputRefusal:
    if not isinstance(part, ResponseOutputText):
        return part
    known = [found for annotation in part.annotations or () if (found := _known(annotation)) is not None]
    return part.model_copy(update={"annotations": known})


def _known(annotation: object) -> Annotation | None:
    plain = annotation.model_dump(warnings=False) if isinstance(annotation, BaseModel) else annotation
    try:
        return _KNOWN.validate_python(plain)
    except ValidationError:
        return None
