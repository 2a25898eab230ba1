"""A model's answer with an image, as the events of the Responses API."""

import base64
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.items import TResponseStreamEvent
from agents.testing import ModelStep
from agents.testing.model import ModelCall

from chat_testing.citing import model_event
from chat_testing.pause import Pause

_RESPONSE = {"id": "resp_1", "object": "response", "created_at": 0, "model": "m", "tools": [], "tool_choice": "auto"}
_TEXT_ID = "msg_of_the_model"
IMAGE_ID = "ig_of_the_model"
"""What the model calls its image: each of them, as a server may that counts from one."""


def png(size: int = 0) -> bytes:
    """An image of one point, with so many bytes of nothing in it."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"teSt", bytes(size)), (b"IDAT", zlib.compress(b"\0\xff\0\0")), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def in_base64(data: bytes) -> str:
    """As the model sends it."""
    return base64.b64encode(data).decode()


@dataclass
class Painting:
    """An image, then a text: `results` are the images' base64, and None one that was not made.

    With a `pause` it waits when all is said; with an `error` it fails there.
    """

    results: Sequence[str | None]
    text: str = "Here it is."
    partials: Sequence[str] = ()
    pause: Pause | None = None
    error: Exception | None = None

    @property
    def step(self) -> ModelStep:
        """For the scripted model."""
        return ModelStep.stream(self._events)

    async def _events(self, _: ModelCall) -> AsyncIterator[TResponseStreamEvent]:
        for result in self.results:
            place = {"item_id": IMAGE_ID, "output_index": 0, "sequence_number": 0}
            yield _item("added", _image("in_progress", None))
            yield model_event("image_generation_call.generating", **place)
            for number, partial in enumerate(self.partials):
                part = {"partial_image_b64": partial, "partial_image_index": number}
                yield model_event("image_generation_call.partial_image", **place, **part)
            yield model_event("image_generation_call.completed", **place)
            yield _item("done", _image("completed" if result else "failed", result))
        output = [_image("completed", result) for result in self.results]
        if self.text:
            place = {"item_id": _TEXT_ID, "output_index": 1, "content_index": 0, "sequence_number": 0}
            yield _item("added", _message("in_progress", []))
            yield model_event("content_part.added", **place, part=_text(""))
            yield model_event("output_text.delta", **place, delta=self.text, logprobs=[])
            yield model_event("output_text.done", **place, text=self.text, logprobs=[])
            yield _item("done", _message("completed", [_text(self.text)]))
            output.append(_message("completed", [_text(self.text)]))
        if self.pause is not None:
            await self.pause.wait()
        if self.error is not None:
            raise self.error
        response = {**_RESPONSE, "output": output, "parallel_tool_calls": False, "status": "completed"}
        yield model_event("completed", response=response, sequence_number=0)


def _item(state: str, item: dict[str, Any]) -> TResponseStreamEvent:
    return model_event(f"output_item.{state}", item=item, output_index=0, sequence_number=0)


def _image(status: str, result: str | None) -> dict[str, Any]:
    return {"id": IMAGE_ID, "type": "image_generation_call", "status": status, "result": result}


def _message(status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": _TEXT_ID, "type": "message", "role": "assistant", "status": status, "content": content}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}
