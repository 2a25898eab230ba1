"""Generated images: each is an attachment of its thread's, and its bytes are that attachment's file.

So whatever holds for attachments holds for them: they go with their thread, are exported, erased and held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit.types import FileAttachment

from chatkit_aws.context import RequestContext
from chatkit_aws.store import object_names
from chatkit_aws.store.image_data import stored_type
from chatkit_aws.store.keys import Owner

if TYPE_CHECKING:
    from chatkit.types import GeneratedImage, ThreadMetadata

    from chatkit_aws.store.dynamodb import Caller, DynamoDBStore
    from chatkit_aws.store.image_data import ImageData
    from chatkit_aws.store.objects import Objects

_FILE = "image"
"""The name of the file below the attachment's prefix: the function's role may read and write files of this name."""


@dataclass(frozen=True, slots=True)
class Images[ContextT: Caller = RequestContext]:
    """Keeps images of `store`'s threads in `objects`, and links to them for `seconds`.

    All but `link` raise as the store does.
    """

    store: DynamoDBStore[ContextT]
    objects: Objects
    seconds: int

    async def put(self, image: ImageData, thread: ThreadMetadata, context: ContextT) -> GeneratedImage:
        """Store an image for a day, until it is attached: if that never happens, cleanup removes it.

        Its row comes first, so that no object is ever without one.
        """
        image_id = self.store.generate_item_id("attachment", thread, context)
        attachment = FileAttachment(id=image_id, name=image.file_name, mime_type=image.media_type)
        await self.store.save_attachment(attachment, context)
        await self.objects.put(_name(_owner(context), image_id), image.data, image.media_type)
        return image.stored_as(image_id)

    async def attach(self, image: GeneratedImage, thread: ThreadMetadata, context: ContextT) -> None:
        """Keep an image for as long as its thread. Raises AttachmentNotFound where its day is over."""
        attachment = await self.store.load_attachment(image.id, context)
        await self.store.save_attachment(attachment.model_copy(update={"thread_id": thread.id}), context)

    async def link(self, image: GeneratedImage, context: Caller) -> str | None:
        """A link to a stored image, for whoever has it; None where the image has an address of its own.

        It is made of the caller's own keys, whatever the image says: nobody gets a link to what is another's. Raises
        StoreRefused, InvalidId.
        """
        media_type = stored_type(image.url)
        if media_type is None:
            return None
        return await self.objects.link(_name(_owner(context), image.id), media_type, self.seconds)


def _owner(context: Caller) -> Owner:
    return Owner.of(context.tenant_id, context.user_id)


def _name(owner: Owner, image_id: str) -> str:
    return object_names.attachment(owner, image_id) + _FILE
