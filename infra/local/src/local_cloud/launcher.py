"""Starts MiniStack with what it lacks for this project mended; run by MiniStack's own interpreter, by path.

Each mend names the behaviour of MiniStack 1.5.33 that it is for, and goes when a later version has it.
"""

import json
import sys
from typing import Any

from ministack import app
from ministack.services import apigateway_v1, cognito, lambda_svc

ANY_POOL = "any-pool"
"""Stands for every user pool in the address of the keys, which must be known before the pool is made."""


def mend_streaming_integrations() -> None:
    """A REST integration ends in `/response-streaming-invocations`; only `/invocations` is cut off there."""
    original = apigateway_v1._extract_lambda_ref_from_integration_uri

    def extract(uri: str) -> str:
        return original(uri.replace("/response-streaming-invocations", "/invocations"))

    apigateway_v1._extract_lambda_ref_from_integration_uri = extract


def mend_streamed_proxy_responses() -> None:
    """A REST API takes a streamed response for a text with status 200; its prelude is understood for URLs only."""
    original = apigateway_v1._lambda_proxy_response

    def proxy_response(result: dict[str, Any]) -> Any:
        payload = result.get("body")
        if isinstance(payload, str) and "\0" * 8 in payload:
            prelude, body = payload.split("\0" * 8, 1)
            return {**json.loads(prelude), "body": body}, None
        return original(result)

    apigateway_v1._lambda_proxy_response = proxy_response


def mend_buffered_answers_of_streaming_urls() -> None:
    """A URL that streams passes a proxy response on as it is, as AWS does.

    Without a container engine the exec wrapper does not run and every answer is one, so it is read as a buffered URL
    would read it.
    """
    original = lambda_svc._function_url_stream_response

    def stream_response(result: dict[str, Any], cors_headers: dict[str, str]) -> Any:
        payload = result.get("body")
        if isinstance(payload, dict) and "statusCode" in payload:
            return lambda_svc._function_url_proxy_response(payload, cors_headers)
        return original(result, cors_headers)

    lambda_svc._function_url_stream_response = stream_response


def mend_keys_of_any_pool() -> None:
    """Serve the keys of all pools at one address: tokens name Amazon's host as their issuer, which is not reached."""
    find, keys = cognito._get_pool_unscoped, cognito.well_known_jwks

    def get_pool(pool_id: str) -> Any:
        return {} if pool_id == ANY_POOL else find(pool_id)

    def well_known_jwks(pool_id: str) -> Any:
        if pool_id != ANY_POOL:
            return keys(pool_id)
        pools = {pool for pool, _ in cognito._pool_keys}
        found = [key for pool in pools for key in json.loads(keys(pool)[2])["keys"]]
        return 200, {"Content-Type": "application/json"}, json.dumps({"keys": found}).encode()

    cognito._get_pool_unscoped, cognito.well_known_jwks = get_pool, well_known_jwks


def main() -> None:
    """Mend, then start."""
    mend_streaming_integrations()
    mend_streamed_proxy_responses()
    mend_buffered_answers_of_streaming_urls()
    mend_keys_of_any_pool()
    del sys.argv[1:]
    app.main()


if __name__ == "__main__":
    main()
