"""The built template deployed to the local cloud, its users, and its two front doors."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from chat_testing.deployed import DOORS, Deployment, FrontDoor, entering
from local_cloud import ministack, model_server, stack, users
from local_cloud.engine import Engine, find_engine
from local_cloud.model_server import OfflineModel
from local_cloud.users import Tokens

_ENGINE = pytest.StashKey[Engine | None]()
_NOTE = "e2e ran WITHOUT the streaming bootstrap: no container engine answers at DOCKER_HOST"


def pytest_configure(config: pytest.Config) -> None:
    # Here and not in a fixture: tests may not open Unix sockets.
    config.stash[_ENGINE] = find_engine()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_ENGINE] is None:
        terminalreporter.write_line(f"WARNING: {_NOTE}", yellow=True)


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine | None:
    found = pytestconfig.stash[_ENGINE]
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(_NOTE)
    return found


@pytest.fixture(scope="session")
def deployment(engine: Engine | None) -> Iterator[Deployment]:
    model = OfflineModel(delay=0)
    with ministack.running(engine) as cloud, model_server.running(model, cloud.addresses) as port:
        parameters = {"OpenAIBaseUrl": cloud.seen_by_functions(port, "/v1"), "RequestsPerMinute": "0"}
        deployed = stack.deploy(cloud, parameters)
        deployed.put_model_key(model.key)
        deployed.wait_until_active()
        yield Deployment(deployed, model)


@pytest.fixture(scope="session")
def alice(deployment: Deployment) -> Tokens:
    return users.sign_in(deployment.stack, users.sign_up(deployment.stack, "alice@example.com"))


@pytest.fixture(scope="session")
def bob(deployment: Deployment) -> Tokens:
    return users.sign_in(deployment.stack, users.sign_up(deployment.stack, "bob@example.com"))


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, deployment: Deployment) -> AsyncIterator[FrontDoor]:
    async with entering(deployment.stack, request.param) as door:
        yield door


@pytest.fixture
async def other_door(door: FrontDoor, deployment: Deployment) -> AsyncIterator[FrontDoor]:
    (name,) = set(DOORS) - {door.name}
    async with entering(deployment.stack, name) as other:
        yield other
