"""The local cloud: MiniStack, on loopback, as long as a context lasts."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local_cloud import engine
from local_cloud.child import Child, free_port
from local_cloud.errors import LocalCloudError
from local_cloud.paths import STATE, TOOLS

REGION = "us-east-1"
READY_SECONDS = 60.0
ANY_POOL = "any-pool"
"""Stands for every user pool in the address of the keys; the launcher knows it by the same name."""

_PYTHON = TOOLS / "cloud" / "bin" / "python"
_LAUNCHER = Path(__file__).parent / "launcher.py"


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running local cloud; `port` is its one port."""

    port: int

    @property
    def endpoint(self) -> str:
        """The address of every service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def jwks_path(self) -> str:
        """Where the keys of its user pools are, below the endpoint."""
        return f"/{ANY_POOL}/.well-known/jwks.json"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the AWS tools pointed at the local cloud and away from any real account."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **own,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
        }


@contextmanager
def running(*, with_engine: bool = False) -> Iterator[LocalCloud]:
    """Start it and wait until it is ready; functions run in containers `with_engine`. Raises LocalCloudError."""
    if not _PYTHON.exists():
        raise LocalCloudError("MiniStack is not set up; run `make setup`.")
    STATE.mkdir(exist_ok=True)
    cloud = LocalCloud(free_port())
    environment = {
        **cloud.environment,
        "GATEWAY_PORT": str(cloud.port),
        "BIND_HOST": "127.0.0.1",
        # A side port that would be open otherwise.
        "IOT_MTLS_ENABLED": "0",
        **(_with_containers() if with_engine else {}),
    }
    # Its own client would call itself.
    del environment["AWS_ENDPOINT_URL"]
    with Child([_PYTHON, _LAUNCHER], environment, STATE / "cloud.log") as child:
        _wait_until_ready(cloud, child)
        yield cloud


def _with_containers() -> dict[str, str]:
    """Run functions in containers, which reach this machine by the engine's bridge and not by loopback."""
    return {
        "LAMBDA_EXECUTOR": "docker",
        "BIND_HOST": "0.0.0.0",
        "LAMBDA_DOCKER_FLAGS": f"--add-host {engine.HOST}:{engine.gateway()}",
    }


def _wait_until_ready(cloud: LocalCloud, child: Child) -> None:
    end = time.monotonic() + READY_SECONDS
    while child.is_running and time.monotonic() < end:
        try:
            if httpx2.get(f"{cloud.endpoint}/_ministack/health").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise LocalCloudError(f"The local cloud did not start; its log ends: {child.said[-500:]}")
