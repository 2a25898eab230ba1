"""Amazon Bedrock's runtime as far as its Chat Completions go: who signed is checked, and what is said is by script."""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chat_testing.chat_completions import CLOSE, ChatCompletions
from chat_testing.web import serving_here

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"host", "x-amz-date"}


@dataclass
class Bedrock:
    """What is asked and said, as of any such endpoint, and whose signatures are known here."""

    secrets: dict[str, str]
    """Secret keys by access key id."""
    service: str = "bedrock"
    region: str = "eu-central-1"
    model: ChatCompletions = field(default_factory=ChatCompletions)
    tokens: list[str | None] = field(default_factory=list)
    """The session token of each request that was let in."""

    @property
    def base_url(self) -> str:
        """The address for the client."""
        return f"http://127.0.0.1:{self.model.port}/openai/v1"

    async def serve(self, request: Request) -> Response:
        """Answer a request that is signed as it should be; refuse any other as AWS does."""
        if not self._is_signed(request, await request.body()):
            message = "The security token included in the request is invalid."
            return JSONResponse({"message": message}, 403, headers=CLOSE)
        self.tokens.append(request.headers.get("x-amz-security-token"))
        return await self.model.serve(request)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        """AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"), step by step."""
        found = _HEADER.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            return False
        key_id, date, region, service, signed, signature = found.groups()
        names = signed.split(";")
        if (region, service) != (self.region, self.service) or not set(names) >= _MUST_BE_SIGNED:
            return False
        if "x-amz-security-token" in request.headers and "x-amz-security-token" not in names:
            return False
        headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        canonical = "\n".join(
            (request.method, request.url.path, request.url.query, headers, signed, hashlib.sha256(body).hexdigest())
        )
        scope = f"{date}/{region}/{service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join(("AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest))
        key = f"AWS4{self.secrets.get(key_id, '')}".encode()
        for part in (date, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature)


@asynccontextmanager
async def serving(secrets: dict[str, str]) -> AsyncIterator[Bedrock]:
    """Such an endpoint on this machine."""
    bedrock = Bedrock(secrets)
    app = Starlette(routes=[Route("/openai/v1/chat/completions", bedrock.serve, methods=["POST"])])
    async with serving_here(app) as bedrock.model.port:
        yield bedrock
