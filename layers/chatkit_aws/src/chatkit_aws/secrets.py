"""The model's key: read from Secrets Manager, kept for a while, read again when the model refuses it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from http import HTTPStatus
from typing import TYPE_CHECKING, override

import httpx2
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from chatkit_aws.errors import ModelKeyUnavailable

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

logger = logging.getLogger(__name__)

MAX_AGE = 300
"""Seconds for which a key is used without asking Secrets Manager again."""


class ModelKey:
    """A secret that holds one API key as its whole value."""

    def __init__(self, secret_id: str, client: "SecretsManagerClient") -> None:
        """Read the secret with that name or ARN, when it is first needed."""
        self._secret_id = secret_id
        self._client = client
        self._provider = SecretsProvider(boto3_client=client)

    def of(self, secret_id: str) -> "ModelKey":
        """The key in another secret, read by the same client."""
        return ModelKey(secret_id, self._client)

    async def get(self, *, fresh: bool = False) -> str:
        """The key, from Secrets Manager itself if `fresh`; raises `ModelKeyUnavailable`."""
        return await asyncio.to_thread(self._get, fresh)

    def _get(self, fresh: bool) -> str:
        try:
            value = self._provider.get(self._secret_id, max_age=MAX_AGE, force_fetch=fresh)
        except GetParameterError as error:
            # Secrets Manager's own words: they name the secret, the role and the action, never the value.
            raise self._unavailable(f"cannot be read ({error})") from None
        key = value.strip() if isinstance(value, str) else ""
        if not key:
            raise self._unavailable("holds no text")
        # What no header can hold would be quoted by the error of the HTTP client.
        if key.startswith("{") or not (key.isascii() and key.isprintable()) or " " in key:
            raise self._unavailable("holds something else than one key")
        return key

    def _unavailable(self, reason: str) -> ModelKeyUnavailable:
        put = f"aws secretsmanager put-secret-value --secret-id {self._secret_id} --secret-string KEY"
        message = f"The secret {self._secret_id} {reason}; put the model's key with `{put}`."
        # Said here, since the log leaves out the messages of exceptions.
        logger.error("%s", message)
        return ModelKeyUnavailable(message)


class ModelKeyAuth(httpx2.Auth):
    """Signs each request to the model with the key, and once more with a fresh one if the model refuses it (401)."""

    def __init__(self, key: ModelKey) -> None:
        """Sign with `key`."""
        self._key = key

    @override
    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Refuse: a client that blocks would otherwise send the request unsigned."""
        raise RuntimeError("the model's key is for asynchronous clients")

    @override
    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        key = await self._key.get()
        request.headers["Authorization"] = f"Bearer {key}"
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        fresh = await self._key.get(fresh=True)
        if fresh != key:
            request.headers["Authorization"] = f"Bearer {fresh}"
            yield request
