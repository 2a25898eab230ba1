"""Users of the deployed stack: signed up, confirmed, and signed in as a browser does it (code flow with PKCE)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import httpx2
from types_boto3_cognito_idp.client import CognitoIdentityProviderClient

from local_cloud.errors import SignInFailed
from local_cloud.stack import CALLBACK_URL, Stack, client_options

PASSWORD = "Correct-horse-7"
"""Meets the pool's policy; opens nothing but the local cloud."""


@dataclass(frozen=True, slots=True)
class User:
    """Someone who can sign in; the name is an e-mail address."""

    name: str
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gives; `expires_in` is in seconds, of the access token."""

    access: str
    identity: str
    expires_in: int


def sign_up(stack: Stack, name: str) -> User:
    """A new user, confirmed by an administrator in place of the mail."""
    user = User(name)
    client = _cognito(stack)
    client.sign_up(
        ClientId=stack.outputs.user_pool_client_id,
        Username=name,
        Password=user.password,
        UserAttributes=[{"Name": "email", "Value": name}],
    )
    client.admin_confirm_sign_up(UserPoolId=stack.outputs.user_pool_id, Username=name)
    return user


def sign_in(stack: Stack, user: User, scope: str | None = None) -> Tokens:
    """Tokens by the sign-in page; `scope` is the API's with openid unless another is given. Raises `SignInFailed`."""
    verifier = secrets.token_urlsafe(48)
    state = secrets.token_urlsafe(8)
    query = authorize_query(stack, scope, challenge=_challenge(verifier), state=state)
    with httpx2.Client(base_url=stack.cloud.endpoint, timeout=30, trust_env=False) as http:
        page = http.get("/oauth2/authorize", params=query)
        if page.status_code != httpx2.codes.OK or "<form" not in page.text:
            raise SignInFailed(f"the sign-in page answered {page.status_code}: {page.text[:200]}")
        answer = http.post("/login", data={**query, "username": user.name, "password": user.password})
        returned = parse_qs(urlsplit(answer.headers.get("location", "")).query)
        if returned.get("state") != [state] or "code" not in returned:
            raise SignInFailed(f"sign-in did not return a code but {answer.status_code}")
        return _exchange(http, stack, returned["code"][0], verifier)


def authorize_query(stack: Stack, scope: str | None = None, *, challenge: str = "", state: str = "") -> dict[str, str]:
    """The query of the authorization request (RFC 6749 4.1.1, RFC 7636 4.3), without PKCE if there is no challenge."""
    query = {
        "response_type": "code",
        "client_id": stack.outputs.user_pool_client_id,
        "redirect_uri": CALLBACK_URL,
        "scope": scope or f"openid {stack.outputs.scope}",
        "state": state,
    }
    return {**query, "code_challenge": challenge, "code_challenge_method": "S256"} if challenge else query


def sign_in_page(stack: Stack) -> str:
    """The address of the sign-in page, for a person."""
    return f"{stack.cloud.endpoint}/oauth2/authorize?{urlencode(authorize_query(stack))}"


def _exchange(http: httpx2.Client, stack: Stack, code: str, verifier: str) -> Tokens:
    form = {
        "grant_type": "authorization_code",
        "client_id": stack.outputs.user_pool_client_id,
        "code": code,
        "redirect_uri": CALLBACK_URL,
        "code_verifier": verifier,
    }
    answer = http.post("/oauth2/token", data=form)
    if answer.status_code != httpx2.codes.OK:
        raise SignInFailed(f"the token endpoint answered {answer.status_code}: {answer.text[:200]}")
    tokens = answer.json()
    return Tokens(tokens["access_token"], tokens["id_token"], tokens["expires_in"])


def _challenge(verifier: str) -> str:
    """RFC 7636 4.2, method S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _cognito(stack: Stack) -> CognitoIdentityProviderClient:
    return boto3.client("cognito-idp", **client_options(stack.cloud))
