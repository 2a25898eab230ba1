"""The head of a streamed response: JSON, eight NULs, then the body follows.

Source: "Response streaming for Lambda proxy integrations" in the API Gateway guide; function URLs read the same.
"""

import json
from collections.abc import Iterable

from lambda_streaming.errors import PreludeTooLarge

MAX_PRELUDE_BYTES = 16 * 1024
"""API Gateway looks for the end of the prelude in that much of the stream."""

Headers = Iterable[tuple[bytes, bytes]]

_DELIMITER = bytes(8)
_OF_THE_CONNECTION = frozenset({b"connection", b"content-length", b"keep-alive", b"transfer-encoding"})


def end_to_end(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers in lower case, without those that speak of the app's own connection or framing."""
    lowered = ((bytes(name).lower(), bytes(value)) for name, value in headers)
    return [(name, value) for name, value in lowered if name not in _OF_THE_CONNECTION]


def encode_prelude(status: int, headers: Headers) -> bytes:
    """Status and headers as a prelude with its delimiter, in ASCII; raises `PreludeTooLarge`.

    Cookies go to a list of their own; other repeated headers are joined with `, ` (RFC 9110, 5.3), which both front
    doors understand, unlike `multiValueHeaders`.
    """
    values: dict[str, list[str]] = {}
    for name, value in end_to_end(headers):
        values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    cookies = values.pop("set-cookie", [])
    document: dict[str, object] = {
        "statusCode": status,
        "headers": {name: ", ".join(several) for name, several in values.items()},
    }
    if cookies:
        document["cookies"] = cookies
    prelude = json.dumps(document, separators=(",", ":")).encode("ascii") + _DELIMITER
    if len(prelude) > MAX_PRELUDE_BYTES:
        raise PreludeTooLarge(len(prelude), MAX_PRELUDE_BYTES)
    return prelude
