"""Who sent a request: an access token, checked as its issuer means it to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from chatkit_aws.errors import InsufficientScope, InvalidToken
from chatkit_aws.jwks import KeySet

ALGORITHM = "RS256"
"""The only algorithm accepted: Cognito's, and one whose public key cannot be used to sign."""
LEEWAY = 30
"""Seconds by which two clocks may differ."""
MAX_TOKEN_CHARACTERS = 16_384
TENANT_GROUP = "tenant:"
"""A group with this prefix names the user's tenant: access tokens carry groups, but no attributes."""
DEFAULT_TENANT = "default"

# The client is checked in the claim that the issuer puts it in, which for Cognito is not `aud`.
_OPTIONS: Options = {"require": ["exp", "iat", "iss", "sub"], "verify_aud": False}


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

    The names of the claims are Cognito's. Other OpenID providers with RS256 access tokens have others, such as `azp`
    or `aud` for the client, `scp` for the scopes, `groups`, and no `token_use` (None). The scope is what tells an
    access token from an ID token there, so it cannot be empty.
    """

    url: str
    client_ids: frozenset[str]
    scope: str
    client_claim: str = "client_id"
    scope_claim: str = "scope"
    groups_claim: str = "cognito:groups"
    token_use: str | None = "access"  # noqa: S105  no password, a kind of token

    def __post_init__(self) -> None:
        """Refuse what would accept every token."""
        if not (self.url and self.client_ids and self.scope):
            raise ValueError("an issuer needs a URL, at least one client and a scope")


class TokenVerifier:
    """Checks access tokens (docs.aws.amazon.com, "Verifying JSON web tokens")."""

    def __init__(self, issuer: Issuer, keys: KeySet) -> None:
        """Accept the tokens of `issuer`, signed with one of `keys`."""
        self._issuer = issuer
        self._keys = keys

    async def verify(self, token: str) -> Claims:
        """The claims of `token`; raises `InvalidToken`, `InsufficientScope` or `KeysUnavailable`.

        Keys are fetched in a thread; the check itself takes a fraction of a millisecond.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise InvalidToken("too long")
        try:
            key = await self._keys.find(_key_id(token))
            claims = jwt.decode(token, key, [ALGORITHM], _OPTIONS, issuer=self._issuer.url, leeway=LEEWAY)
            return self._accept(claims)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            # The class says what is wrong; the message may hold parts of the token.
            raise InvalidToken(type(error).__name__) from None

    def _accept(self, claims: Mapping[str, Any]) -> Claims:
        issuer = self._issuer
        if issuer.token_use is not None and claims.get("token_use") != issuer.token_use:
            raise InvalidToken("not an access token")
        client_ids = _texts(claims.get(issuer.client_claim)) & issuer.client_ids
        if not client_ids:
            raise InvalidToken("another client's")
        if not claims["sub"]:
            raise InvalidToken("no subject")
        scopes = frozenset(part for text in _texts(claims.get(issuer.scope_claim)) for part in text.split())
        if issuer.scope not in scopes:
            raise InsufficientScope
        groups = claims.get(issuer.groups_claim, [])
        if not isinstance(groups, list):
            raise InvalidToken("groups are not a list")
        names = _texts(groups)
        return Claims(claims["sub"], _tenant(names), names, scopes, min(client_ids), float(claims["exp"]))


def _key_id(token: str) -> object:
    """The id of the key that the token says it is signed with; any other algorithm than ours is refused before."""
    header = jwt.get_unverified_header(token)
    if header.get("alg") != ALGORITHM:
        raise InvalidToken("another algorithm")
    return header.get("kid")


def _texts(value: object) -> frozenset[str]:
    """A claim that may be a text or a list of texts, as a set; what is neither is left out."""
    values = value if isinstance(value, list) else [value]
    return frozenset(item for item in values if isinstance(item, str))


def _tenant(groups: frozenset[str]) -> str:
    """The tenant that the groups name; a user of two tenants could reach the wrong one, and is refused."""
    tenants = [group.removeprefix(TENANT_GROUP) for group in groups if group.startswith(TENANT_GROUP)]
    if not tenants:
        return DEFAULT_TENANT
    if len(tenants) > 1 or not tenants[0]:
        raise InvalidToken("not exactly one tenant")
    return tenants[0]
