"""The stack deployed to the local cloud, and its two front doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from chat_testing.chat import ChatClient
from local_cloud.model_server import OfflineModel
from local_cloud.stack import Stack

TIMEOUT = 120.0
"""Seconds for an answer; a container's first one may take long on a busy machine."""
DOORS = ("rest", "function-url")


@dataclass(frozen=True)
class Deployment:
    """The deployed stack, and the model that it calls."""

    stack: Stack
    model: OfflineModel


@dataclass(frozen=True)
class FrontDoor:
    """One of the two ways in, which is one of `DOORS`."""

    name: str
    http: httpx2.AsyncClient

    def client(self, token: str | None) -> ChatClient:
        """Whoever has that token, or none."""
        return ChatClient(self.http, token)


@asynccontextmanager
async def entering(stack: Stack, name: str) -> AsyncIterator[FrontDoor]:
    """The REST API, whose paths begin with the stage, or the function URL."""
    endpoint = stack.cloud.endpoint
    host, base_url = (stack.rest_host, f"{endpoint}/v1") if name == "rest" else (stack.function_url_host, endpoint)
    async with httpx2.AsyncClient(base_url=base_url, headers={"Host": host}, timeout=TIMEOUT, trust_env=False) as http:
        yield FrontDoor(name, http)
