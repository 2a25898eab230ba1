"""The issuer's public keys, fetched when needed and kept when the issuer cannot be reached."""

import asyncio
import logging
import math
import time
from collections.abc import Callable

import jwt

from chatkit_aws.errors import InvalidToken, KeysUnavailable

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds that one fetch may take."""
COOL_DOWN = 30.0
"""Seconds after a fetch, good or failed, in which no other is made: so unknown keys cannot be used to cause fetches."""
RETRY = 1.0
"""The same while no key is known, when every request needs one."""
LIFESPAN = 3600.0
"""Seconds after which the keys are fetched again. Cognito rotates them rarely; a new one is unknown, hence fetched."""


class KeySet:
    """A JSON Web Key Set (RFC 7517) behind a URL, shared by the tasks of an event loop.

    One fetch at a time, which all that need it wait for and which nobody's leaving ends; whoever's key is known does
    not wait for another's. A failed fetch leaves the known keys in use.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic, timeout: float = TIMEOUT) -> None:
        """Fetch from `url`, when the first key is asked for; `clock` counts seconds."""
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=timeout)
        self._clock = clock
        self._timeout = timeout
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._last_try = self._last_success = -math.inf
        self._is_down = False

    async def find(self, kid: object) -> jwt.PyJWK:
        """The key with that id; raises `InvalidToken` if there is none, `KeysUnavailable` if that cannot be known."""
        if not isinstance(kid, str) or not kid:
            raise InvalidToken("no key id")
        if kid not in self._keys or self._clock() - self._last_success >= LIFESPAN:
            await self._refresh()
        if key := self._keys.get(kid):
            return key
        if self._is_down:
            raise KeysUnavailable
        raise InvalidToken("unknown key")

    async def _refresh(self) -> None:
        """Fetch, or wait for the fetch that is under way, or do nothing if the last one is too recent."""
        if self._fetching is None or self._fetching.done():
            now = self._clock()
            if now - self._last_try < (COOL_DOWN if self._keys else RETRY):
                return
            self._last_try = now
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            # The client's own timeout is for each wait on the socket; this one is for the whole.
            async with asyncio.timeout(self._timeout):
                keys = await asyncio.to_thread(self._client.get_signing_keys)
        except (jwt.PyJWTError, OSError, ValueError, LookupError, TypeError) as error:
            # The last three: a document that is no JSON, or a key without its parts.
            logger.warning("the issuer's keys could not be fetched: %s", type(error).__name__)
            self._is_down = True
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._last_success = self._clock()
        self._is_down = False
