"""The model's citations in a form that the ChatKit SDK can read."""

from collections.abc import AsyncIterator
from typing import cast

from agents import RunResultStreaming, StreamEvent
from openai.types.responses import ResponseOutputTextAnnotationAddedEvent
from openai.types.responses.response_output_text import Annotation
from pydantic import BaseModel, TypeAdapter, ValidationError

_KNOWN: TypeAdapter[Annotation] = TypeAdapter(Annotation)


def readable(run: RunResultStreaming) -> RunResultStreaming:
    """The run with citations that `stream_agent_response` can read, which reads nothing of it but its events.

    OpenAI's client gives a streamed citation a class of the event's own (openai 3.52.0); the ChatKit SDK knows only
    those of a whole text (1.6.5) and raises, so that each answer with a citation would fail. One that has no such form
    is left out: it may still be in the whole text.
    """
    return cast("RunResultStreaming", _Readable(run))


class _Readable:
    def __init__(self, run: RunResultStreaming) -> None:
        self._run = run

    async def stream_events(self) -> AsyncIterator[StreamEvent]:
        async for event in self._run.stream_events():
            if event.type == "raw_response_event" and isinstance(event.data, ResponseOutputTextAnnotationAddedEvent):
                if (annotation := _known(event.data.annotation)) is None:
                    continue
                event.data = event.data.model_copy(update={"annotation": annotation})
            yield event


def _known(annotation: object) -> Annotation | None:
    plain = annotation.model_dump() if isinstance(annotation, BaseModel) else annotation
    try:
        return _KNOWN.validate_python(plain)
    except ValidationError:
        return None
