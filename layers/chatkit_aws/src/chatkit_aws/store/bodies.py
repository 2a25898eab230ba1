"""What a row holds, as bytes: JSON, packed, and sealed where the tenant's data is to be unreadable without its key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chatkit_aws.errors import UnknownFormat
from chatkit_aws.store import compression

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatkit_aws.store.cipher import Scope
    from chatkit_aws.store.keys import Key

PLAIN = 1
"""The first byte of a body that is packed and nothing else; further formats get further numbers."""
SEALED = 2
"""The first byte of a body that a cipher made."""

_LONG = 64 * 1024
"""Bytes that take milliseconds to pack, which other requests of this process should not wait for."""


class Cipher(Protocol):
    """Makes bytes unreadable without a key; `label` is not hidden and must be the same again to open them."""

    async def seal(self, data: bytes, scope: Scope, label: bytes) -> bytes:
        """`data` for those who have the key of `scope`."""

    async def open(self, sealed: bytes, scope: Scope, label: bytes) -> bytes:
        """What was sealed."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Makes and reads bodies; those that were sealed are read only with a cipher, plain ones always."""

    cipher: Cipher | None = None

    async def close(self, text: bytes, scope: Scope, key: Key, part: str = "body") -> bytes:
        """`text` as the `part` of the row at `key`. Raises StoreUnavailable, StoreRefused."""
        packed = await _run(compression.pack, text)
        if self.cipher is None:
            return bytes([PLAIN]) + packed
        return await self.cipher.seal(packed, scope, _label(key, part))

    async def open(self, body: bytes, scope: Scope, key: Key, part: str = "body") -> bytes:
        """The text in a body. Raises StoreUnavailable, StoreRefused, UnknownFormat."""
        version = body[0] if body else 0
        if version == PLAIN:
            packed = body[1:]
        elif version == SEALED and self.cipher is not None:
            packed = await self.cipher.open(body, scope, _label(key, part))
        else:
            raise UnknownFormat(version)
        try:
            return await _run(compression.unpack, packed)
        except ValueError as error:
            raise UnknownFormat(version) from error


async def _run(function: Callable[[bytes], bytes], data: bytes) -> bytes:
    return await asyncio.to_thread(function, data) if len(data) > _LONG else function(data)


def _label(key: Key, part: str) -> bytes:
    """Binds a body to its row, so that nobody can put it into another one."""
    return "\0".join((key.pk, key.sk, part)).encode()
