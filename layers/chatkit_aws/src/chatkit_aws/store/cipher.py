"""Envelope encryption: bytes are sealed with a data key of their thread, which KMS wraps with the tenant's key.

What is sealed holds all that it takes to open it but KMS's consent:

| bytes | |
| --- | --- |
| 1 | the format, 2 |
| 2 | the length of the next, big-endian |
| | the data key as KMS wrapped it |
| 12 | the nonce |
| | AES-256-GCM's ciphertext and tag; associated data are the format and the label |
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from chatkit_aws.errors import Damaged
from chatkit_aws.store.data_keys import DataKeys
from chatkit_aws.store.key_cache import KeyCache, Limits, Scope
from chatkit_aws.store.key_names import KeyNames

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_kms.client import KMSClient

__all__ = ["EnvelopeCipher", "Limits", "Scope"]

FORMAT = b"\x02"
_LENGTH_BYTES, _NONCE_BYTES, _TAG_BYTES = 2, 12, 16


class EnvelopeCipher:
    """Seals and opens bytes. All raise StoreUnavailable, StoreRefused.

    A tenant whose key is disabled or deleted can be neither read nor written: at once by a process that has not used
    it, and by all when the data keys in use have expired. KMS's log (CloudTrail) names tenants and threads, and holds
    nothing of what is sealed.
    """

    def __init__(
        self,
        client: KMSClient,
        key_pattern: str,
        *,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        """Use the keys that `key_pattern` names: `alias/chatkit-{tenant}`, or one for all (see `KeyNames`).

        `clock` gives seconds since the epoch.
        """
        cache = KeyCache(clock, limits or Limits())
        self._keys = DataKeys(client, KeyNames(key_pattern), cache)

    async def seal(self, data: bytes, scope: Scope, label: bytes) -> bytes:
        """`data` for who may use the key of `scope` and knows the label, which is not hidden."""
        key = await self._keys.to_seal(scope)
        nonce = os.urandom(_NONCE_BYTES)
        head = FORMAT + len(key.wrapped).to_bytes(_LENGTH_BYTES) + key.wrapped
        return b"".join((head, nonce, key.aead.encrypt(nonce, data, FORMAT + label)))

    async def open(self, sealed: bytes, scope: Scope, label: bytes) -> bytes:
        """What was sealed for `scope` with `label`. Raises Damaged for anything else."""
        wrapped, nonce, ciphertext = _parts(sealed)
        key = await self._keys.unwrap(scope, wrapped)
        try:
            return key.aead.decrypt(nonce, ciphertext, FORMAT + label)
        except InvalidTag:
            raise Damaged() from None


def _parts(sealed: bytes) -> tuple[bytes, bytes, memoryview]:
    """The wrapped data key, the nonce, and the ciphertext with its tag, which is not copied."""
    start = len(FORMAT) + _LENGTH_BYTES
    end = start + int.from_bytes(sealed[len(FORMAT) : start])
    if not sealed.startswith(FORMAT) or len(sealed) < end + _NONCE_BYTES + _TAG_BYTES:
        raise Damaged()
    after_nonce = end + _NONCE_BYTES
    return sealed[start:end], sealed[end:after_nonce], memoryview(sealed)[after_nonce:]
