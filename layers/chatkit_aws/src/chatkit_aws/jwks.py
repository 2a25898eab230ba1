"""The issuer's public keys, fetched when needed and kept when the issuer cannot be reached."""

import logging
import math
import time
from collections.abc import Callable
from typing import Any, override

import jwt

from chatkit_aws.errors import InvalidToken

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds that one fetch may take."""
COOL_DOWN = 30.0
"""Seconds after a fetch in which nothing causes another: no unknown key and no failure."""
LIFESPAN = 3600.0
"""Seconds after which the keys are fetched again. Cognito rotates them rarely; a new one is unknown, hence fetched."""


class KeySet(jwt.PyJWKClient):
    """A JSON Web Key Set behind a URL, shared by threads.

    PyJWT's client caches the set, and fetches it again for an unknown key, one fetch at a time. Added here: one
    cool-down for every fetch, the failed ones too, and a failed fetch leaves the known keys in use.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Fetch from `url`, when the first key is asked for; `clock` counts seconds."""
        super().__init__(url, lifespan=LIFESPAN, timeout=TIMEOUT, cooldown_duration=0)
        self._clock = clock
        self._known: Any = None
        self._last_fetch = -math.inf

    def find(self, kid: object) -> jwt.PyJWK:
        """The key with that id; raises `InvalidToken` if there is none, PyJWKClientConnectionError if none is known."""
        if not isinstance(kid, str) or not kid:
            raise InvalidToken("no key id")
        return self.get_signing_key(kid)

    @override
    def fetch_data(self) -> Any:
        if self._clock() - self._last_fetch >= COOL_DOWN:
            self._last_fetch = self._clock()
            try:
                self._known = super().fetch_data()
            except (jwt.PyJWTError, ValueError) as error:
                logger.warning("the issuer's keys could not be fetched: %s", type(error).__name__)
        if self._known is None:
            raise jwt.PyJWKClientConnectionError("no keys are known")
        return self._known
