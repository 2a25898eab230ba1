"""Images that the model makes: stored while the answer goes on, shown when they are stored."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import override

from chatkit.types import (
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    NoticeEvent,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
)

from chat_api.runs.context import TurnContext
from chat_api.server.events.citations import Converter
from chat_api.server.events.streams import closing
from chat_api.texts import mark, say
from chatkit_aws.errors import ImageRefused, StoreRefused, StoreUnavailable
from chatkit_aws.store.image_data import ImageData
from chatkit_aws.store.images import Images

logger = logging.getLogger(__name__)

AWAKE = ProgressUpdateEvent(text="")
"""Sent into an answer's stream when an image is stored, so that it is shown though the model says nothing."""

_NOT_STORED = mark("The image could not be stored, so it is not shown.")
_NO_IMAGE = mark("The model made no image that can be shown.")


@dataclass(frozen=True, slots=True)
class _Held:
    """An item that is done but for its image, which is being stored."""

    item: GeneratedImageItem
    storing: asyncio.Task[GeneratedImage]


class Drawing(Converter):
    """One answer's. Without `images` there is nowhere to store one, and the user is told so.

    Only a whole image is stored and shown. Parts of one would each be as large as it: in the stream, and in the run's
    log, which is a row of the table.
    """

    def __init__(
        self,
        images: Images | None,
        thread: ThreadMetadata,
        context: TurnContext,
        wake: Callable[[ProgressUpdateEvent], None],
    ) -> None:
        """Store the images of this answer; `wake` sends an event into its stream."""
        super().__init__()
        self._images = images
        self._thread = thread
        self._context = context
        self._wake = wake
        self._storing: dict[str, asyncio.Task[GeneratedImage]] = {}
        self._open: set[str] = set()
        self._held: dict[str, _Held] = {}

    @override
    async def base64_image_to_url(
        self, image_id: str, base64_image: str, partial_image_index: int | None = None
    ) -> str:
        """Begin to store a whole image; gives what `shown` knows it by. The model's own id need not be unique."""
        if partial_image_index is not None:
            return ""
        name = str(len(self._storing))
        self._storing[name] = asyncio.create_task(self._stored(base64_image))
        return name

    async def shown(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        """The events, each image once it is stored, and a notice for one that is not. Raises as the store does."""
        try:
            async with closing(self._passed(events)) as passed:
                async for event in passed:
                    yield event
        except Exception:
            # The answer has failed; an image that was paid for has not.
            async for event in self._rest(has_failed=True):
                yield event
            raise
        else:
            async for event in self._rest(has_failed=False):
                yield event
        finally:
            for task in self._storing.values():
                task.cancel()

    async def _passed(self, events: AsyncIterator[ThreadStreamEvent]) -> AsyncIterator[ThreadStreamEvent]:
        async with closing(events):
            async for event in events:
                if not self._holds(event):
                    yield event
                async for ended in self._ended():
                    yield ended

    def _holds(self, event: ThreadStreamEvent) -> bool:
        """Take note of an event; whether it is not to be sent (yet)."""
        match event:
            case ThreadItemAddedEvent(item=GeneratedImageItem(id=item_id)):
                self._open.add(item_id)
            case ThreadItemDoneEvent(item=GeneratedImageItem(image=GeneratedImage(url=name)) as item):
                if (storing := self._storing.get(name)) is not None:
                    self._held[item.id] = _Held(item, storing)
                    return True
            case ThreadItemRemovedEvent(item_id=item_id):  # a guardrail takes it back
                self._open.discard(item_id)
                self._held.pop(item_id, None)
            case ThreadItemUpdatedEvent(update=GeneratedImageUpdated()):
                return True
        return event is AWAKE

    async def _rest(self, *, has_failed: bool) -> AsyncIterator[ThreadStreamEvent]:
        """What is left when the model has said all: images that are still being stored, and those that never came."""
        while self._held:
            storing = {held.storing for held in self._held.values()}
            await asyncio.wait(storing, return_when=asyncio.FIRST_COMPLETED)
            async for event in self._ended():
                yield event
        for item_id in self._open:
            yield ThreadItemRemovedEvent(item_id=item_id)
        if self._open and not has_failed and self._context.ending.cause is None:
            yield self._notice(_NO_IMAGE)

    async def _ended(self) -> AsyncIterator[ThreadStreamEvent]:
        """The events for images that are stored by now, or could not be."""
        for held in [held for held in self._held.values() if held.storing.done()]:
            del self._held[held.item.id]
            self._open.discard(held.item.id)
            try:
                yield ThreadItemDoneEvent(item=held.item.model_copy(update={"image": await self._attached(held)}))
            except (ImageRefused, StoreRefused, StoreUnavailable) as error:
                logger.warning("an image of the model's is not shown: %s: %s", type(error).__name__, error)
                yield ThreadItemRemovedEvent(item_id=held.item.id)
                yield self._notice(_NO_IMAGE if isinstance(error, ImageRefused) else _NOT_STORED)

    async def _attached(self, held: _Held) -> GeneratedImage:
        """The image, which is kept from now on."""
        image = held.storing.result()
        assert self._images is not None  # noqa: S101 - else it would not be stored
        await self._images.attach(image, self._thread, self._context)
        return image

    async def _stored(self, base64_image: str) -> GeneratedImage:
        try:
            if self._images is None:
                raise StoreRefused("images need a bucket, and this store was given none")
            image = await asyncio.to_thread(ImageData.of, base64_image)
            return await self._images.put(image, self._thread, self._context)
        finally:
            self._wake(AWAKE)

    def _notice(self, text: str) -> NoticeEvent:
        return NoticeEvent(level="warning", message=say(self._context.locale, text))
