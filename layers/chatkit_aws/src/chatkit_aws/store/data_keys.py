"""Data keys: one for each thread, asked of KMS once however many need it, and kept for minutes."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatkit_aws.store.calls import Calls
from chatkit_aws.store.key_cache import DataKey

if TYPE_CHECKING:
    from concurrent.futures import Future

    from types_boto3_kms.client import KMSClient

    from chatkit_aws.store.key_cache import KeyCache, Scope
    from chatkit_aws.store.key_names import KeyNames

THREADS = 8
"""Calls at the same time; each takes one of the client's connections."""


class DataKeys:
    """The data keys of all scopes. All raise StoreUnavailable, StoreRefused.

    A scope goes on with the data key that it has, whichever environment made it: the one that was unwrapped to read
    is the one to seal with, and one that has expired is asked for again. Safe in threads and event loops.
    """

    def __init__(self, client: KMSClient, names: KeyNames, cache: KeyCache) -> None:
        """Have data keys wrapped by the keys with these `names`, and keep them in `cache`."""
        self._client = client
        self._names = names
        self._cache = cache
        self._calls = Calls("KMS", THREADS)
        self._lock = Lock()
        self._pending: dict[tuple[Scope, bytes | None], Future[DataKey]] = {}

    async def to_seal(self, scope: Scope) -> DataKey:
        """The data key that `scope` seals with, counted as used once more; a new one where it has none."""
        with self._lock:
            found = self._find(scope, self._cache.wrapped_to_seal(scope))
        key = await _wait(found)
        key.seals += 1
        return key

    async def unwrap(self, scope: Scope, wrapped: bytes) -> DataKey:
        """The data key that KMS wrapped for `scope`."""
        with self._lock:
            found = self._find(scope, wrapped)
        return await _wait(found)

    def _find(self, scope: Scope, wrapped: bytes | None) -> DataKey | Future[DataKey]:
        """The key itself or the call that brings it, which is made if nobody has made it yet; needs the lock."""
        key = self._cache.get(scope, wrapped) if wrapped is not None else None
        if key:
            return key
        slot = (scope, wrapped)
        if slot not in self._pending:
            self._pending[slot] = self._calls.start(partial(self._fetch, scope, wrapped))
        return self._pending[slot]

    def _fetch(self, scope: Scope, wrapped: bytes | None) -> DataKey:
        try:
            answer = self._generate(scope) if wrapped is None else self._decrypt(scope, wrapped)
            with self._lock:
                return self._cache.add(scope, *answer, new=wrapped is None)
        finally:
            with self._lock:
                del self._pending[scope, wrapped]

    def _generate(self, scope: Scope) -> tuple[bytes, AESGCM]:
        answer = self._client.generate_data_key(
            KeyId=self._names.of(scope.tenant), KeySpec="AES_256", EncryptionContext=scope.context
        )
        return answer["CiphertextBlob"], AESGCM(answer["Plaintext"])

    def _decrypt(self, scope: Scope, wrapped: bytes) -> tuple[bytes, AESGCM]:
        """The key is named, although KMS knows it: one that another tenant's key wrapped is to be refused."""
        answer = self._client.decrypt(
            KeyId=self._names.of(scope.tenant), CiphertextBlob=wrapped, EncryptionContext=scope.context
        )
        return wrapped, AESGCM(answer["Plaintext"])


async def _wait(found: DataKey | Future[DataKey]) -> DataKey:
    """The key, once it is there; nobody's leaving ends the call that others wait for."""
    return found if isinstance(found, DataKey) else await asyncio.shield(asyncio.wrap_future(found))
