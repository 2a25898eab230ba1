"""Who sent a request: an access token, checked as its issuer means it to be."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from chatkit_aws.errors import InsufficientScope, InvalidToken, KeysUnavailable
from chatkit_aws.jwks import KeySet

ALGORITHM = "RS256"
"""The only algorithm accepted: Cognito's, and one whose public key cannot be used to sign."""
LEEWAY = 30
"""Seconds by which two clocks may differ."""
MAX_TOKEN_CHARACTERS = 16_384
TENANT_GROUP = "tenant:"
"""A group with this prefix names the user's tenant: access tokens carry groups, but no attributes."""
DEFAULT_TENANT = "default"

_OPTIONS: Options = {"require": ["exp", "iat", "iss", "sub", "token_use"], "verify_aud": False}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says; `expires_at` is in seconds since the epoch."""

    user_id: str
    tenant_id: str
    groups: frozenset[str]
    scopes: frozenset[str]
    client_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are accepted: the exact issuer, its clients, and the scope that a token must carry.

    Another OpenID provider than Cognito fits when its access tokens are RS256 JWTs with `client_id`, `scope`,
    `token_use` and `cognito:groups`, which most can be told to add.
    """

    url: str
    client_ids: frozenset[str]
    scope: str


class TokenVerifier:
    """Checks Cognito access tokens (docs.aws.amazon.com, "Verifying JSON web tokens")."""

    def __init__(self, issuer: Issuer, keys: KeySet) -> None:
        """Accept the tokens of `issuer`, signed with one of `keys`."""
        self._issuer = issuer
        self._keys = keys

    async def verify(self, token: str) -> Claims:
        """The claims of `token`; raises `InvalidToken`, `InsufficientScope` or `KeysUnavailable`.

        Runs in a thread, since an unknown key is fetched over the network.
        """
        return await asyncio.to_thread(self._verify, token)

    def _verify(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise InvalidToken("too long")
        claims = self._decode(token)
        if claims["token_use"] != "access":  # noqa: S105  no password, a kind of token
            raise InvalidToken("not an access token")
        client_id = claims.get("client_id")
        if not isinstance(client_id, str) or client_id not in self._issuer.client_ids:
            raise InvalidToken("another client's")
        if not claims["sub"]:
            raise InvalidToken("no subject")
        scopes = frozenset(str(claims.get("scope", "")).split())
        if self._issuer.scope not in scopes:
            raise InsufficientScope
        groups = _groups(claims)
        return Claims(claims["sub"], _tenant(groups), groups, scopes, client_id, float(claims["exp"]))

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM:
                raise InvalidToken("another algorithm")
            key = self._keys.find(header.get("kid"))
            url = self._issuer.url
            return jwt.decode(token, key, [ALGORITHM], _OPTIONS, issuer=url, leeway=LEEWAY)
        except jwt.PyJWKClientConnectionError as error:
            raise KeysUnavailable from error
        except jwt.PyJWTError as error:
            # The class says what is wrong; the message may hold parts of the token.
            raise InvalidToken(type(error).__name__) from None


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    groups = claims.get("cognito:groups", [])
    if not isinstance(groups, list):
        raise InvalidToken("groups are not a list")
    return frozenset(map(str, groups))


def _tenant(groups: frozenset[str]) -> str:
    """The tenant that the groups name; a user of two tenants could reach the wrong one, and is refused."""
    tenants = [group.removeprefix(TENANT_GROUP) for group in groups if group.startswith(TENANT_GROUP)]
    if not tenants:
        return DEFAULT_TENANT
    if len(tenants) > 1 or not tenants[0]:
        raise InvalidToken("not exactly one tenant")
    return tenants[0]
