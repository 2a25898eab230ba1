"""Images that a model made: which kinds are taken, by their own first bytes, and as what they are shown."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from chatkit.types import GeneratedImage

from chatkit_aws.errors import ImageRefused

MAX_BYTES = 10 * 1024 * 1024
"""The most that an image may have; one of 1536 by 1024 points takes 2 to 4 MB as PNG."""

_PNG, _JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"
_WEBP_AT = 8
_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})
"""What browsers show as pixels only. SVG and HTML are not among them: they can hold scripts."""
_SCHEME = "stored-image:"


@dataclass(frozen=True, slots=True)
class ImageData:
    """An image's bytes and their type."""

    data: bytes
    media_type: str

    @classmethod
    def of(cls, base64_image: str) -> ImageData:
        """The image that a model sent. Raises ImageRefused for what is none, or too large."""
        if len(base64_image) > MAX_BYTES * 4 // 3 + 4:
            raise ImageRefused("it is too large")
        try:
            data = base64.b64decode(base64_image, validate=True)
        except (binascii.Error, ValueError):
            raise ImageRefused("it is not base64") from None
        if len(data) > MAX_BYTES:
            raise ImageRefused("it is too large")
        media_type = _type_of(data)
        if media_type is None:
            raise ImageRefused("it is neither PNG, JPEG nor WebP")
        return cls(data, media_type)

    @property
    def file_name(self) -> str:
        """What it is called in an export."""
        return f"image.{self.media_type.removeprefix('image/')}"

    def stored_as(self, image_id: str) -> GeneratedImage:
        """How an item refers to it: never by a link, which would expire."""
        return GeneratedImage(id=image_id, url=_SCHEME + self.media_type)


def stored_type(url: str) -> str | None:
    """The type of the image that is referred to so; None for any other address."""
    media_type = url.removeprefix(_SCHEME)
    return media_type if media_type != url and media_type in _TYPES else None


def _type_of(data: bytes) -> str | None:
    """By the signatures of the WHATWG's MIME Sniffing Standard, "Matching an image type pattern"."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith(_RIFF) and data.startswith(_WEBP, _WEBP_AT):
        return "image/webp"
    return None
