import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_testing.function_process import FunctionProcess
from chat_testing.runtime_api import DEADLINE, RuntimeApi
from chat_testing.sandbox import STREAMING, Sandbox, add_packages, make_sandbox, streaming_layer

FUNCTION = Path(__file__).parent / "function"


class SandboxFactory:
    """Lays out one of the functions of this folder with the streaming layer, its wrapper in charge."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = 0

    def __call__(self, module: str = "tiny", *packages: str, **variables: str) -> Sandbox:
        self._made += 1
        root = self._root / str(self._made)
        layer = streaming_layer(root / "layer")
        add_packages(layer, *packages)
        return make_sandbox(
            root / "lambda",
            task=FUNCTION,
            layers=[layer],
            handler=f"{module}.handler",
            variables={**STREAMING, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        )


class Gate:
    """Lets the app under test send one line at a time, when a test says so."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(DEADLINE)
        self.address = "{}:{}".format(*self._server.getsockname())

    def accept(self) -> socket.socket:
        """Wait for the app to come to the gate; sending a line to the socket lets that line through."""
        return self._server.accept()[0]

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> SandboxFactory:
    return SandboxFactory(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api


@pytest.fixture(scope="module")
def shared_api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api


@pytest.fixture(scope="module")
def process(sandbox: SandboxFactory, shared_api: RuntimeApi, gate: Gate) -> Iterator[FunctionProcess]:
    """One process of the tiny app for all tests of a module: what one test does must not harm the next."""
    with FunctionProcess(sandbox(GATE=gate.address), shared_api.address) as process:
        yield process
        shared_api.wait_until_idle()
        assert process.is_running
