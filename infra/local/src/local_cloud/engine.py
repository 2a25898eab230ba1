"""The container engine that runs functions as Lambda does: Docker, or anything that speaks its API."""

import os
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local_cloud.errors import NotReady

HOST_NAME = "host.docker.internal"
"""What containers call this machine; the local cloud maps it in every container that it starts."""
_DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers.

    `gateway` is this machine's address on the network of its containers, where servers must listen as well; None where
    the engine runs in a machine of its own (Docker Desktop), which forwards `host.docker.internal` to loopback.
    """

    host: str
    gateway: str | None


def find_engine() -> Engine | None:
    """The engine that DOCKER_HOST names, or the one on Docker's usual socket; None where none answers.

    Raises NotReady for one that answers with an error.
    """
    host = os.environ.get("DOCKER_HOST") or (f"unix://{_DEFAULT_SOCKET}" if _DEFAULT_SOCKET.exists() else None)
    if host is None:
        return None
    try:
        with _client(host) as api:
            return Engine(host, _gateway(api))
    except httpx2.HTTPStatusError as error:
        said = error.response.text.strip()[:200]
        raise NotReady(f"the container engine at {host} does not work: {said}") from error
    except (httpx2.HTTPError, KeyError, ValueError):
        return None


def _client(host: str) -> httpx2.Client:
    """A client of the Docker Engine API, by Unix socket or TCP."""
    if host.startswith("unix://"):
        transport = httpx2.HTTPTransport(uds=host.removeprefix("unix://"))
        return httpx2.Client(transport=transport, base_url="http://engine", timeout=10)
    return httpx2.Client(base_url=host.replace("tcp://", "http://", 1), timeout=10)


def _gateway(api: httpx2.Client) -> str | None:
    """The gateway of the network that containers get by default."""
    if "Desktop" in api.get("/info").raise_for_status().json()["OperatingSystem"]:
        return None
    network = api.get("/networks/bridge").raise_for_status().json()
    return next((str(part["Gateway"]) for part in network["IPAM"]["Config"] or () if "Gateway" in part), None)
