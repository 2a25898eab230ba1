"""Links to stored images, made at the last moment: what is stored or logged refers to an image, and links expire."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chatkit.types import GeneratedImage

from chat_api.server.events.streams import closing
from chatkit_aws.context import RequestContext
from chatkit_aws.errors import ChatKitAwsError
from chatkit_aws.store.image_data import stored_type
from chatkit_aws.store.images import Images

logger = logging.getLogger(__name__)

_MENTIONED = b'"generated_image'
_TYPES = ("generated_image", "generated_image.updated")
_PLACES = ("data", "item", "items", "thread", "update", "updated_item")
"""The fields of answers and events in which items and updates are."""
_DATA, _END = b"data: ", b"\n\n"


@dataclass(frozen=True, slots=True)
class Links:
    """Puts links in the place of references, in what goes to one caller; without `images` nothing is changed."""

    images: Images | None
    caller: RequestContext

    async def in_events(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The server-sent events, each of them whole."""
        async with closing(events):
            async for event in events:
                yield await self.in_event(event)

    async def in_event(self, event: bytes) -> bytes:
        """A whole server-sent event."""
        if not event.startswith(_DATA):
            return event
        return _DATA + await self.in_json(event[len(_DATA) : -len(_END)]) + _END

    async def in_json(self, text: bytes) -> bytes:
        """An answer or an event's data."""
        if self.images is None or _MENTIONED not in text:
            return text
        answer = json.loads(text)  # pydantic's own reads no more than 200 levels, and a page's words may have as many
        images = [image for image in _images_in(answer) if stored_type(image["url"])]
        for image in images:
            image["url"] = await self._link(self.images, image)
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode() if images else text

    async def _link(self, images: Images, image: dict[str, Any]) -> str | None:
        try:
            return await images.link(GeneratedImage(id=image["id"], url=image["url"]), self.caller)
        except ChatKitAwsError as error:
            logger.error("no link to an image could be made: %s", type(error).__name__)
            return ""


def _images_in(node: Any) -> list[dict[str, Any]]:
    """The images of all items and updates of an answer; not what looks like one within an item, as a page's words."""
    match node:
        case {"type": kind, "image": {"id": str(), "url": str()} as image} if kind in _TYPES:
            return [image]
        case dict():
            return [image for place in _PLACES for image in _images_in(node.get(place))]
        case list():
            return [image for value in node for image in _images_in(value)]
    return []
