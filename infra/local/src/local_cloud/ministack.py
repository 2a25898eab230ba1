"""The local cloud: MiniStack as a child process on loopback."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from local_cloud import front, ports
from local_cloud.child import Child
from local_cloud.engine import HOST_NAME, Engine
from local_cloud.errors import NotReady
from local_cloud.paths import CLOUD_PYTHON, SOURCES, required

REGION = "us-east-1"
START_SECONDS = 60.0
"""How long a busy machine may take to start it; 2 s is usual."""
_KEPT = ("PATH", "HOME", "LANG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True, slots=True)
class Cloud:
    """A local cloud that answers. `engine` is what runs its functions; None means its own process does."""

    port: int
    engine: Engine | None

    @property
    def endpoint(self) -> str:
        """Where this machine's clients find it."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    @property
    def jwks_url(self) -> str:
        """Where functions fetch the keys of the user pools."""
        return self.seen_by_functions(self.port, front.JWKS_PATH)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where a server must listen that functions call."""
        return _addresses(self.engine)

    def seen_by_functions(self, port: int, path: str = "") -> str:
        """The address, for functions, of a server on this machine."""
        return f"http://{HOST_NAME if self.engine else ports.LOOPBACK}:{port}{path}"

    @property
    def environment(self) -> dict[str, str]:
        """What AWS's tools and SDKs need in order to talk to it, and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextlib.contextmanager
def running(engine: Engine | None = None) -> Iterator[Cloud]:
    """Run a local cloud with nothing in it, whose functions `engine` runs, else its own process.

    Its files go with it. Raises `NotSetUp` or `NotReady`.
    """
    command = [str(required(CLOUD_PYTHON, "make setup-cloud")), "-m", "local_cloud.launcher"]
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="local-cloud-", ignore_cleanup_errors=True))
        )
        sockets = [stack.enter_context(listener) for listener in ports.listen(_addresses(engine))]
        files = [listener.fileno() for listener in sockets]
        cloud = Cloud(ports.port_of(sockets), engine)
        environment = _environment(cloud, folder)
        log = folder / "ministack.log"
        child = stack.enter_context(Child([*command, *map(str, files)], environment, log=log, files=files))
        # Only the child listens from now on, so that its end is seen as a refused connection.
        for listener in sockets:
            listener.close()
        _wait(child, cloud)
        yield cloud


def _addresses(engine: Engine | None) -> tuple[str, ...]:
    return (ports.LOOPBACK, engine.gateway) if engine and engine.gateway else (ports.LOOPBACK,)


def _environment(cloud: Cloud, folder: Path) -> dict[str, str]:
    """The child's whole environment; with nothing of a person's own credentials."""
    environment = {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PYTHONPATH": str(SOURCES),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "GATEWAY_PORT": str(cloud.port),
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "docker" if cloud.engine else "local",
    }
    if cloud.engine:
        environment["DOCKER_HOST"] = cloud.engine.host
        if cloud.engine.gateway:
            # Not every engine knows Docker's word `host-gateway`, which is MiniStack's own default.
            environment["LAMBDA_DOCKER_FLAGS"] = f"--add-host {HOST_NAME}:{cloud.engine.gateway}"
    return environment


def _wait(child: Child, cloud: Cloud) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client(base_url=cloud.endpoint, timeout=START_SECONDS, trust_env=False) as http:
        while time.monotonic() < deadline:
            child.check("the local cloud")
            with contextlib.suppress(httpx2.TransportError):
                http.get("/_ministack/health").raise_for_status()
                return
            time.sleep(0.05)
    raise NotReady(f"the local cloud did not answer within {START_SECONDS:.0f} s")
