"""A model's answer with citations, as the events of the Responses API."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agents.items import TResponseStreamEvent
from agents.testing import ModelStep
from agents.testing.model import ModelCall
from openai._models import construct_type
from openai.types.responses import ResponseStreamEvent

from chat_testing.pause import Pause

type Citation = dict[str, Any]

_ID = "msg_of_the_model"
_PLACE = {"item_id": _ID, "output_index": 0, "content_index": 0, "sequence_number": 0}
_RESPONSE = {"id": "resp_1", "object": "response", "created_at": 0, "model": "m", "tools": [], "tool_choice": "auto"}


def page(url: str, end: int, title: str = "A page") -> Citation:
    """A citation of a page, at the end of so many characters."""
    return {"type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": end}


def file(name: str, index: int) -> Citation:
    """A citation of a file that file search has found."""
    return {"type": "file_citation", "file_id": "file_1", "filename": name, "index": index}


def container_file(name: str, end: int) -> Citation:
    """A citation of a file that the code interpreter has made."""
    ids = {"container_id": "cntr_1", "file_id": "cfile_1"}
    return {"type": "container_file_citation", **ids, "filename": name, "start_index": 0, "end_index": end}


@dataclass
class Citing:
    """A message whose text comes in parts, then its citations one by one; `is_late` brings them only with the whole.

    With a `pause` it waits before its text is done; with an `error` it fails there.
    """

    parts: Sequence[str]
    citations: Sequence[Citation] = ()
    is_late: bool = False
    pause: Pause | None = None
    error: Exception | None = None

    @property
    def text(self) -> str:
        """The whole text; halves of a character that came in two parts are one."""
        return "".join(self.parts).encode("utf-16", "surrogatepass").decode("utf-16")

    @property
    def step(self) -> ModelStep:
        """For the scripted model."""
        return ModelStep.stream(self._events)

    async def _events(self, _: ModelCall) -> AsyncIterator[TResponseStreamEvent]:
        yield model_event("output_item.added", item=_message("in_progress", []), output_index=0, sequence_number=0)
        yield model_event("content_part.added", **_PLACE, part=_text("", []))
        for part in self.parts:
            yield model_event("output_text.delta", **_PLACE, delta=part, logprobs=[])
        for number, citation in enumerate([] if self.is_late else self.citations):
            yield model_event("output_text.annotation.added", **_PLACE, annotation_index=number, annotation=citation)
        if self.pause is not None:
            await self.pause.wait()
        if self.error is not None:
            raise self.error
        whole = _text(self.text, self.citations)
        yield model_event("output_text.done", **_PLACE, text=self.text, logprobs=[])
        yield model_event("content_part.done", **_PLACE, part=whole)
        message = _message("completed", [whole])
        yield model_event("output_item.done", item=message, output_index=0, sequence_number=0)
        response = {**_RESPONSE, "output": [message], "parallel_tool_calls": False, "status": "completed"}
        yield model_event("completed", response=response, sequence_number=0)


def _text(text: str, citations: Sequence[Citation]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": list(citations)}


def _message(status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": _ID, "type": "message", "role": "assistant", "status": status, "content": content}


def model_event(kind: str, **fields: Any) -> TResponseStreamEvent:
    """An event as OpenAI's client makes it of what it has read, which it does not check."""
    read = construct_type(type_=ResponseStreamEvent, value={"type": f"response.{kind}", **fields})
    return cast("TResponseStreamEvent", read)
