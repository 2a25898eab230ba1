"""What stands before MiniStack's ASGI app: two corrections that need no change of it."""

import importlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

JWKS_PATH = "/local/jwks.json"
"""Where the keys of all user pools are. A pool's own address has its id, which is not known before the stack is
deployed, while the function's variables are part of the stack."""


def before(app: App) -> App:
    """The app, with `JWKS_PATH`, and with a function URL's own paths.

    MiniStack answers some paths itself on every host, `/health` among them, but not where an address names the
    function URL in its path. So an address by host becomes one by path.
    """
    service = importlib.import_module("ministack.app")

    async def corrected(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if scope["path"] == JWKS_PATH:
                await _send_json(send, {"keys": _all_keys()})
                return
            headers = dict(scope["headers"])
            if by_host := service._LAMBDA_URL_RE.match(headers.get(b"host", b"").decode("latin-1")):
                scope = _by_path(scope, f"/_aws/lambda-url/{by_host.group(1)}")
        await app(scope, receive, send)

    return corrected


def _by_path(scope: Scope, prefix: str) -> Scope:
    """The same request under another path; its Host header goes, which would be looked at first."""
    headers = [(name, b"localhost" if name == b"host" else value) for name, value in scope["headers"]]
    return {
        **scope,
        "path": prefix + scope["path"],
        "raw_path": prefix.encode() + scope["raw_path"],
        "headers": headers,
    }


def _all_keys() -> list[dict[str, str]]:
    cognito = importlib.import_module("ministack.services.cognito")
    documents = [cognito.well_known_jwks(pool_id)[2] for (*_, pool_id), _ in cognito._user_pools.all_items()]
    return [key for document in documents for key in json.loads(document)["keys"]]


async def _send_json(send: Any, document: object) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})
