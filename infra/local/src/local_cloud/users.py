"""A user of the stack, signed in as a browser would: the code flow with PKCE, over plain HTTP."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx2

from local_cloud.errors import LocalCloudError
from local_cloud.stack import Stack

PASSWORD = "Correct-horse-7-battery"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives."""

    access: str
    identity: str


def create(stack: Stack, email: str, *groups: str) -> None:
    """Create a user with `PASSWORD`, confirmed, in these groups."""
    pool = stack.outputs["UserPoolId"]
    cognito = stack.clients.cognito
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=email,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
    for group in groups:
        cognito.create_group(UserPoolId=pool, GroupName=group)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)


def sign_in(stack: Stack, email: str, callback: str, scope: str = "openid chatkit/chat") -> Tokens:
    """Sign in on the hosted page and exchange the code; `callback` is one that the client allows.

    Raises LocalCloudError where the page refuses.
    """
    client_id = stack.outputs["UserPoolClientId"]
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "scope": scope,
        "state": secrets.token_urlsafe(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with httpx2.Client(base_url=stack.cloud.endpoint) as http:
        page = http.get("/oauth2/authorize", params=asked)
        fields = _hidden_fields(page.text)
        answer = http.post("/login", data={**fields, "username": email, "password": PASSWORD})
        code = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code")
        if not code:
            raise LocalCloudError(f"The sign-in page refused {email} ({answer.status_code}).")
        exchanged = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": callback}
        tokens = http.post("/oauth2/token", data={**exchanged, "code": code[0], "code_verifier": verifier}).json()
    return Tokens(tokens["access_token"], tokens["id_token"])


def _hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    fields: dict[str, str] = {}

    class Fields(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            attributes = dict(attrs)
            if tag == "input" and attributes.get("type") == "hidden" and attributes.get("name"):
                fields[str(attributes["name"])] = attributes.get("value") or ""

    Fields().feed(page)
    return fields
