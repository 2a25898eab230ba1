"""From where the page may show images in an answer.

Who gets a model to write an image's address is told whatever is in it as soon as the page shows the image.
"""

from collections.abc import Sequence

from chatkit.types import Page, Thread, ThreadItem, ThreadMetadata

NOWHERE = ("images.invalid",)
"""What the page is told where there is no such domain: a name that nobody can have (RFC 2606, 2).

That an empty list means none, and not any, is written nowhere.
"""


def as_shown(thread: ThreadMetadata, items: Page[ThreadItem], domains: Sequence[str]) -> Thread:
    """A thread as the page gets it: with `domains`, unless it has its own, and without its metadata."""
    own = thread.allowed_image_domains
    allowed = [*(domains if own is None else own)] or [*NOWHERE]
    shown = thread.model_dump(exclude={"metadata", "items", "allowed_image_domains"})
    return Thread(**shown, items=items, allowed_image_domains=allowed)
