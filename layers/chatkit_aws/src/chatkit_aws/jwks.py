"""The issuer's public keys, fetched when needed and kept when the issuer cannot be reached."""

import time
from collections.abc import Callable
from typing import Any, override

import jwt

from chatkit_aws.errors import InvalidToken

TIMEOUT = 3.0
"""Seconds that one fetch may take."""
COOL_DOWN = 30.0
"""Seconds in which an unknown key, or a failure, causes no further fetch."""
LIFESPAN = 3600.0
"""Seconds after which the keys are fetched again. Cognito rotates them rarely; a new one is unknown, hence fetched."""


class KeySet(jwt.PyJWKClient):
    """A JSON Web Key Set behind a URL, shared by threads.

    PyJWT's client caches the set, fetches it again for an unknown key, once at a time and at most once per cool-down.
    Added here: a fetch that fails starts the cool-down too, and leaves the keys that are known in use.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Fetch from `url`, when the first key is asked for."""
        super().__init__(url, lifespan=LIFESPAN, timeout=TIMEOUT, cooldown_duration=COOL_DOWN)
        self._clock = clock
        self._known: Any = None
        self._failure: jwt.PyJWTError | None = None
        self._failed_at = 0.0

    def find(self, kid: object) -> jwt.PyJWK:
        """The key with that id; raises `InvalidToken` if there is none, PyJWKClientConnectionError if none is known."""
        if not isinstance(kid, str) or not kid:
            raise InvalidToken("no key id")
        return self.get_signing_key(kid)

    @override
    def fetch_data(self) -> Any:
        if self._failure is not None and self._clock() - self._failed_at < COOL_DOWN:
            return self._fall_back(self._failure)
        try:
            self._known, self._failure = super().fetch_data(), None
        except jwt.PyJWTError as error:
            self._failure, self._failed_at = error, self._clock()
            return self._fall_back(error)
        return self._known

    def _fall_back(self, error: jwt.PyJWTError) -> Any:
        if self._known is None:
            raise jwt.PyJWKClientConnectionError("no keys are known") from error
        return self._known
