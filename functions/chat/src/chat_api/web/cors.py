"""Which pages may call: exact origins, and a pattern for preview deployments."""

import re
from typing import Any

METHODS = ("GET", "POST", "OPTIONS")
EXPOSED = ("Chatkit-Run", "X-Request-Id", "Retry-After")
MAX_AGE = 7200
"""Seconds that a browser keeps a preflight's answer; Chromium's own maximum."""


def options(origins: tuple[str, ...], pattern: str) -> dict[str, Any]:
    """Arguments of Starlette's CORSMiddleware, which echoes the one origin and the headers that were asked for.

    Requests carry a bearer token and no cookies, so credentials stay off. ChatKit.js adds headers of its own, which
    change with its version; therefore every header that is asked for is allowed. Raises ValueError for `*` among the
    origins or for a pattern that is no regular expression.
    """
    if "*" in origins:
        raise ValueError("Name each allowed origin; `*` is not accepted.")
    try:
        compiled = re.compile(pattern).pattern if pattern else None
    except re.error as error:
        raise ValueError(f"ALLOWED_ORIGIN_PATTERN is not a regular expression: {error}") from error
    return {
        "allow_origins": origins,
        "allow_origin_regex": compiled,
        "allow_methods": METHODS,
        "allow_headers": ["*"],
        "expose_headers": EXPOSED,
        "max_age": MAX_AGE,
    }
