"""An issuer of access tokens, with its keys behind a real HTTP server on loopback."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Testing00"
CLIENT_ID = "testclient"
SCOPE = "chatkit/chat"


@cache
def signing_key(name: str) -> RSAPrivateKey:
    """A key for each name; made once per process, since making one takes a while."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class TokenIssuer:
    """Mints tokens as Cognito does, and serves its keys at `jwks_url`; counts how often they are fetched.

    `is_down` makes the server answer 503, `document` replaces the keys that it serves, and a cleared `may_answer`
    makes it wait.
    """

    def __init__(self, jwks_url: str) -> None:
        """Sign with the key `first`, until `rotate` is called."""
        self.jwks_url = jwks_url
        self.kid = "first"
        self.published = ["first"]
        self.fetches = 0
        self.is_down = False
        self.document: bytes | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def rotate(self, kid: str) -> None:
        """Sign with another key from now on, and publish it beside the old ones."""
        self.kid = kid
        self.published.append(kid)

    def jwks(self) -> dict[str, Any]:
        """The published keys."""
        return {"keys": [self._public(kid) for kid in self.published]}

    def _public(self, kid: str) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(kid).public_key(), as_dict=True)
        return {**key, "kid": kid, "use": "sig", "alg": "RS256"}

    def claims(self, sub: str = "alice", *, tenant: str | None = None, **changed: Any) -> dict[str, Any]:
        """The claims of a good token; a claim that is changed to None is left out."""
        now = int(time.time())
        claims = {
            "sub": sub,
            "iss": ISSUER,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "scope": f"openid {SCOPE}",
            "iat": now,
            "exp": now + 3600,
            "username": sub,
            "jti": "00000000-0000-4000-8000-000000000000",
            "cognito:groups": [f"tenant:{tenant}"] if tenant else None,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def mint(self, sub: str = "alice", *, kid: str | None = None, tenant: str | None = None, **changed: Any) -> str:
        """A token, good but for what is changed; `kid` names another key, which need not be published."""
        kid = kid or self.kid
        claims = self.claims(sub, tenant=tenant, **changed)
        return jwt.encode(claims, signing_key(kid), algorithm="RS256", headers={"kid": kid})


@contextmanager
def serving(host: str = "127.0.0.1", port: int = 0) -> Iterator[TokenIssuer]:
    """An issuer whose keys are served on a free port, until the context ends."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            issuer.may_answer.wait()
            document = json.dumps(issuer.jwks()).encode() if issuer.document is None else issuer.document
            # Whoever asked may have gone while this waited.
            with suppress(ConnectionError):
                self.send_response(503 if issuer.is_down else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b"" if issuer.is_down else document)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer((host, port), Keys)
    issuer = TokenIssuer(f"http://{host}:{server.server_address[1]}/.well-known/jwks.json")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        issuer.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
