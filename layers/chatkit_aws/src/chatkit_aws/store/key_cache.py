"""Data keys in memory, for a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data it is. KMS gives out a data key only to who names the scope that it was made for, and logs both."""

    tenant: str
    thread: str | None

    @property
    def context(self) -> dict[str, str]:
        """The encryption context; data that belongs to no thread has none in it."""
        return {"tenant": self.tenant} if self.thread is None else {"tenant": self.tenant, "thread": self.thread}


@dataclass(slots=True, eq=False)
class DataKey:
    """A data key: as KMS wrapped it, and as what encrypts with it, which does not give it away.

    `seals` counts what this process sealed with it.
    """

    wrapped: bytes
    aead: AESGCM = field(repr=False)
    expires_at: float
    seals: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a data key is used.

    - `lifetime`: seconds until KMS is asked again; for so long a tenant's key still works that was disabled;
    - `size`: data keys that are kept;
    - `most_seals`: how often one seals; with random nonces of 96 bits no more than 2**32 is safe (NIST SP 800-38D,
      8.3), and other processes seal with it too.
    """

    lifetime: float = 300.0
    size: int = 1_000
    most_seals: int = 2**31


class KeyCache:
    """The data keys that were used last, and which of them each scope seals with.

    The latter is remembered when the key itself has expired, so that the scope need not get another one.
    """

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        """Keep keys within `limits`; `clock` gives seconds since the epoch."""
        self._clock = clock
        self._limits = limits
        self._keys: OrderedDict[tuple[Scope, bytes], DataKey] = OrderedDict()
        self._sealing: OrderedDict[Scope, bytes] = OrderedDict()

    def get(self, scope: Scope, wrapped: bytes) -> DataKey | None:
        """The data key that KMS wrapped so."""
        key = self._keys.get((scope, wrapped))
        if key is None or key.expires_at <= self._clock():
            return None
        self._keys.move_to_end((scope, wrapped))
        self._seal_with(scope, self._sealing.get(scope, wrapped))
        return key

    def wrapped_to_seal(self, scope: Scope) -> bytes | None:
        """The data key that `scope` is to seal with, as KMS wrapped it; None if it needs a new one."""
        wrapped = self._sealing.get(scope)
        key = self.get(scope, wrapped) if wrapped else None
        return None if key and key.seals >= self._limits.most_seals else wrapped

    def add(self, scope: Scope, wrapped: bytes, aead: AESGCM, *, new: bool) -> DataKey:
        """Keep a data key. The scope seals with it if it is new, or if the one that it sealed with is not at hand."""
        now = self._clock()
        for slot in [slot for slot, key in self._keys.items() if key.expires_at <= now]:
            del self._keys[slot]
        sealing = self._sealing.get(scope)
        if new or not sealing or not self.get(scope, sealing):
            self._seal_with(scope, wrapped)
        key = self._keys[scope, wrapped] = DataKey(wrapped, aead, now + self._limits.lifetime)
        while len(self._keys) > self._limits.size:
            self._keys.popitem(last=False)
        return key

    def _seal_with(self, scope: Scope, wrapped: bytes) -> None:
        self._sealing[scope] = wrapped
        self._sealing.move_to_end(scope)
        while len(self._sealing) > self._limits.size:
            self._sealing.popitem(last=False)
