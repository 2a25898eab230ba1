"""The model's key: read from Secrets Manager, kept for a while, read again when the model refuses it."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import TYPE_CHECKING, override

import httpx2
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from chatkit_aws.errors import ModelKeyUnavailable

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

MAX_AGE = 300
"""Seconds for which a key is used without asking Secrets Manager again."""


class ModelKey:
    """A secret that holds one API key as its whole value."""

    def __init__(self, secret_id: str, client: "SecretsManagerClient") -> None:
        """Read the secret with that name or ARN, when it is first needed."""
        self._secret_id = secret_id
        self._provider = SecretsProvider(boto3_client=client)

    async def get(self, *, fresh: bool = False) -> str:
        """The key, from Secrets Manager itself if `fresh`; raises `ModelKeyUnavailable`."""
        return await asyncio.to_thread(self._get, fresh)

    def forget(self) -> None:
        """Read the secret again when the key is next needed; for a process that was restored from a snapshot."""
        self._provider.clear_cache()  # type: ignore[no-untyped-call]  # Powertools has no annotation there

    def _get(self, fresh: bool) -> str:
        try:
            value = self._provider.get(self._secret_id, max_age=MAX_AGE, force_fetch=fresh)
        except GetParameterError as error:
            raise ModelKeyUnavailable(f"The secret {self._secret_id} cannot be read: {error}") from None
        if not isinstance(value, str) or not value.strip():
            raise ModelKeyUnavailable(f"The secret {self._secret_id} holds no key; put one with put-secret-value.")
        return value.strip()


class ModelKeyAuth(httpx2.Auth):
    """Signs each request to the model with the key, and once more with a fresh one if the model refuses it (401)."""

    def __init__(self, key: ModelKey) -> None:
        """Sign with `key`."""
        self._key = key

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
