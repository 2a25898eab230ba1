"""A token is accepted only if it is exactly what the issuer meant for this API."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from chat_testing.tokens import CLIENT_ID, ISSUER, SCOPE, TokenIssuer, serving, signing_key
from chatkit_aws.errors import InsufficientScope, InvalidToken, KeysUnavailable
from chatkit_aws.identity import LEEWAY, MAX_TOKEN_CHARACTERS, Issuer, TokenVerifier
from chatkit_aws.jwks import COOL_DOWN, LIFESPAN, RETRY, KeySet

NOW = int(time.time())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does, at most 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  another thread cannot set an event of this loop
            await asyncio.sleep(0.005)


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with serving() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(issuer: TokenIssuer, clock: Clock) -> TokenVerifier:
    return TokenVerifier(Issuer(ISSUER, frozenset({CLIENT_ID}), SCOPE), KeySet(issuer.jwks_url, clock))


async def test_good_token_gives_its_claims(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    token = issuer.mint("u-1", exp=NOW + 3600, **{"cognito:groups": ["tenant:acme", "editors"]})  # type: ignore[arg-type]  # a claim's name
    claims = await verifier.verify(token)
    assert (claims.user_id, claims.tenant_id, claims.client_id) == ("u-1", "acme", CLIENT_ID)
    assert claims.groups == {"tenant:acme", "editors"}
    assert claims.scopes == {"openid", SCOPE}
    assert claims.expires_at == NOW + 3600


async def test_user_without_a_tenant_is_in_the_default_one(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.mint())).tenant_id == "default"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": ISSUER + "x"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"client_id": "another"},
        {"client_id": None},
        {"client_id": ["another"]},
        {"token_use": "id"},
        {"token_use": None},
        {"exp": NOW - LEEWAY - 5},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 10**400},
        {"iat": NOW + LEEWAY + 3600},
        {"iat": None},
        {"nbf": NOW + LEEWAY + 3600},
        {"cognito:groups": ["tenant:a", "tenant:b"]},
        {"cognito:groups": ["tenant:"]},
        {"cognito:groups": "tenant:a"},
    ],
    ids=str,
)
async def test_token_with_a_wrong_or_missing_claim_is_refused(
    issuer: TokenIssuer, verifier: TokenVerifier, changed: dict[str, object]
) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(issuer.mint(**changed))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("scope", ["openid", "", None, "chatkit/chat2", "chatkit"])
async def test_token_without_the_scope_is_valid_and_not_enough(
    issuer: TokenIssuer, verifier: TokenVerifier, scope: str | None
) -> None:
    with pytest.raises(InsufficientScope):
        await verifier.verify(issuer.mint(scope=scope))


async def test_clocks_may_differ_a_little(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    await verifier.verify(issuer.mint(exp=int(time.time()) - LEEWAY + 10))


def forged(issuer: TokenIssuer, algorithm: str) -> str:
    """Tokens that name the published key and are not signed with it."""
    claims = issuer.claims()
    public = signing_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if algorithm == "HS256":
        # PyJWT refuses to sign with a public key, an attacker does not.
        parts = [{"alg": "HS256", "typ": "JWT", "kid": "first"}, claims]
        text = ".".join(_part(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_part(hmac.new(public, text.encode(), hashlib.sha256).digest())}"
    if algorithm == "none":
        return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})
    return jwt.encode(claims, signing_key("first"), algorithm=algorithm, headers={"kid": "first"})


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS384", "PS256"])
async def test_other_algorithms_are_refused(issuer: TokenIssuer, verifier: TokenVerifier, algorithm: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(forged(issuer, algorithm))


async def test_signature_of_another_key_is_refused(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    token = jwt.encode(issuer.claims(), signing_key("attacker"), algorithm="RS256", headers={"kid": "first"})
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_changed_claims_are_refused(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    header, _, signature = issuer.mint("alice").split(".")
    with pytest.raises(InvalidToken):
        await verifier.verify(f"{header}.{_part(json.dumps(issuer.claims('bob')).encode())}.{signature}")


@pytest.mark.parametrize(
    "token", ["", ".", "a.b.c", "not a token", "x" * (MAX_TOKEN_CHARACTERS + 1), "é.é.é", "\0", "\ud800.a.b"]
)
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_token_without_a_key_id_is_refused(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(jwt.encode(issuer.claims(), signing_key("first"), algorithm="RS256"))


async def test_reason_holds_nothing_of_the_token(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken) as raised:
        await verifier.verify(issuer.mint("a-secret-subject", iss="https://a-secret-issuer"))
    assert "secret" not in repr(raised.value)


async def test_keys_are_fetched_once(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    for _ in range(5):
        await verifier.verify(issuer.mint())
    assert issuer.fetches == 1


async def test_new_key_is_fetched_after_the_cool_down(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.mint())
    issuer.rotate("second")
    clock.now += COOL_DOWN + 1
    await verifier.verify(issuer.mint())
    await verifier.verify(issuer.mint(kid="first"))
    assert issuer.fetches == 2


async def test_key_that_the_issuer_took_back_is_refused_after_the_lifespan(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.mint())
    issuer.rotate("second")
    issuer.published.remove("first")
    clock.now += LIFESPAN
    with pytest.raises(InvalidToken):
        await verifier.verify(issuer.mint(kid="first"))


async def test_unknown_keys_cause_at_most_one_fetch_in_a_cool_down(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.mint())
    clock.now += COOL_DOWN + 1
    for _ in range(20):
        with pytest.raises(InvalidToken):
            await verifier.verify(issuer.mint(kid="unknown"))
    assert issuer.fetches == 2


async def test_outage_without_known_keys_is_said_and_asked_once_in_a_cool_down(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    issuer.is_down = True
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await verifier.verify(issuer.mint())
    assert issuer.fetches == 1
    issuer.is_down = False
    clock.now += COOL_DOWN + 1
    await verifier.verify(issuer.mint())


async def test_outage_leaves_known_keys_in_use(issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock) -> None:
    await verifier.verify(issuer.mint())
    issuer.is_down = True
    clock.now += 24 * 3600
    await verifier.verify(issuer.mint())
    await verifier.verify(issuer.mint())
    assert issuer.fetches == 2


async def test_unknown_key_in_an_outage_may_be_a_good_one_and_is_not_refused(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.mint())
    issuer.is_down = True
    issuer.rotate("second")
    clock.now += COOL_DOWN
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await verifier.verify(issuer.mint())
    assert issuer.fetches == 2


async def test_first_fetch_that_failed_is_soon_tried_again(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    issuer.is_down = True
    with pytest.raises(KeysUnavailable):
        await verifier.verify(issuer.mint())
    issuer.is_down = False
    clock.now += RETRY
    await verifier.verify(issuer.mint())


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}', b"<html>", b"\xff"]
)
async def test_document_that_is_no_key_set_is_an_outage(
    issuer: TokenIssuer, verifier: TokenVerifier, document: bytes
) -> None:
    issuer.document = document
    with pytest.raises(KeysUnavailable):
        await verifier.verify(issuer.mint())


async def test_requests_at_the_same_time_share_one_fetch(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    issuer.may_answer.clear()
    requests = [asyncio.create_task(verifier.verify(issuer.mint(f"u-{number}"))) for number in range(20)]
    await until(lambda: issuer.fetches > 0)
    requests[0].cancel()
    issuer.may_answer.set()
    claims = await asyncio.gather(*requests[1:])
    assert [claim.user_id for claim in claims] == [f"u-{number}" for number in range(1, 20)]
    assert issuer.fetches == 1


async def test_known_key_does_not_wait_for_an_unknown_one(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    await verifier.verify(issuer.mint())
    issuer.may_answer.clear()
    clock.now += COOL_DOWN
    attack = asyncio.create_task(verifier.verify(issuer.mint(kid="unknown")))
    await until(lambda: issuer.fetches == 2)
    await verifier.verify(issuer.mint())
    assert not attack.done()
    issuer.may_answer.set()
    with pytest.raises(InvalidToken):
        await attack


async def test_issuer_that_does_not_answer_is_given_up(issuer: TokenIssuer) -> None:
    issuer.may_answer.clear()
    with pytest.raises(KeysUnavailable):
        await KeySet(issuer.jwks_url, timeout=0.05).find("first")


@pytest.mark.parametrize(
    "claims",
    [
        {"azp": CLIENT_ID, "scp": f"openid {SCOPE}"},
        {"azp": CLIENT_ID, "scp": ["openid", SCOPE]},
        {"azp": ["another", CLIENT_ID], "scp": SCOPE},
    ],
)
async def test_other_issuers_name_their_claims(issuer: TokenIssuer, claims: dict[str, Any]) -> None:
    other = Issuer(ISSUER, frozenset({CLIENT_ID}), SCOPE, "azp", "scp", "groups", token_use=None)
    verifier = TokenVerifier(other, KeySet(issuer.jwks_url))
    token = issuer.mint(client_id=None, token_use=None, scope=None, groups=["tenant:acme"], aud="api", **claims)
    found = await verifier.verify(token)
    assert (found.client_id, found.tenant_id) == (CLIENT_ID, "acme")
    with pytest.raises(InvalidToken):
        await verifier.verify(issuer.mint())


@pytest.mark.parametrize("parts", [("", {CLIENT_ID}, SCOPE), (ISSUER, set(), SCOPE), (ISSUER, {CLIENT_ID}, "")])
def test_issuer_that_would_accept_every_token_is_refused(parts: tuple[str, set[str], str]) -> None:
    url, client_ids, scope = parts
    with pytest.raises(ValueError, match="needs"):
        Issuer(url, frozenset(client_ids), scope)


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,99}\.[A-Za-z0-9_-]{0,99}\.[A-Za-z0-9_-]{0,99}"))
async def test_any_text_is_refused_without_another_error(token: str) -> None:
    with pytest.raises(InvalidToken):
        await TokenVerifier(Issuer(ISSUER, frozenset({CLIENT_ID}), SCOPE), KeySet("http://127.0.0.1:9/")).verify(token)
