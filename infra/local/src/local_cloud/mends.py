"""What MiniStack 1.5.33 does otherwise than AWS and this project needs as AWS has it.

Each mend names the upstream behaviour that it changes and replaces one function, which must still be there: a new
version that has moved it stops the start with a plain error. Imported in MiniStack's own environment only.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Mend:
    """Replace `function` of MiniStack's `module` by what `make` makes of it; `upstream` is what it does unmended."""

    upstream: str
    module: str
    function: str
    make: Callable[[Function], Function]

    def apply(self) -> None:
        """Replace the function; raises RuntimeError where MiniStack has none of that name."""
        module = importlib.import_module(f"ministack.{self.module}")
        original = getattr(module, self.function, None)
        if original is None:
            raise RuntimeError(
                f"this MiniStack has no {self.module}.{self.function}; a mend for it said: {self.upstream}"
            )
        setattr(module, self.function, self.make(original))


def _find_streaming_function(original: Function) -> Function:
    @wraps(original)
    def extract(uri: str) -> Any:
        return original(uri.replace("/response-streaming-invocations", "/invocations"))

    return extract


def _read_prelude(original: Function) -> Function:
    split = importlib.import_module("ministack.services.lambda_svc")._split_stream_prelude

    @wraps(original)
    def shape(result: dict[str, Any]) -> Any:
        payload = result.get("body")
        if result.get("error") or not isinstance(payload, str | bytes):
            return original(result)
        prelude, body = split(payload.encode() if isinstance(payload, str) else payload)
        return ({**prelude, "body": body}, None) if prelude else original(result)

    return shape


def _accept_buffered(original: Function) -> Function:
    service = importlib.import_module("ministack.services.lambda_svc")

    @wraps(original)
    def shape(result: dict[str, Any], cors_headers: dict[str, str]) -> Any:
        payload = result.get("body")
        if service.LAMBDA_EXECUTOR != "docker" and isinstance(payload, dict) and "statusCode" in payload:
            return service._function_url_proxy_response(payload, cors_headers)
        return original(result, cors_headers)

    return shape


MENDS = (
    Mend(
        "A REST integration whose URI ends in /response-streaming-invocations is answered with 500:"
        " the name is cut at /invocations only, so no function is found.",
        "services.apigateway_v1",
        "_extract_lambda_ref_from_integration_uri",
        _find_streaming_function,
    ),
    Mend(
        "A REST proxy response that begins with a prelude (JSON, eight NULs, body) is sent as it is, with status 200.",
        "services.apigateway_v1",
        "_lambda_proxy_response",
        _read_prelude,
    ),
    Mend(
        "Functions that run in MiniStack's own process have no exec wrapper, so nothing can stream; a function URL with"
        " RESPONSE_STREAM then sends the proxy response as JSON. In containers this stays so, as it would show that the"
        " wrapper is not in charge.",
        "services.lambda_svc",
        "_function_url_stream_response",
        _accept_buffered,
    ),
)
