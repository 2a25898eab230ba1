"""`sam local` on the built template, in containers, with the table, the keys and the model of a deployed stack."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_testing.sam_local import SamLocal, write_template
from local_cloud import ministack, model_server, stack, users
from local_cloud.engine import Engine, find_engine
from local_cloud.model_server import OfflineModel

_ENGINE = pytest.StashKey[Engine | None]()
_NOTE = "sam local needs a container engine, and none answers at DOCKER_HOST"


def pytest_configure(config: pytest.Config) -> None:
    # Here and not in a fixture: tests may not open Unix sockets.
    config.stash[_ENGINE] = find_engine()


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    found = pytestconfig.stash[_ENGINE]
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(_NOTE)
    pytest.skip(_NOTE)


@pytest.fixture(scope="session")
def sam_local(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamLocal]:
    model = OfflineModel(delay=0)
    folder: Path = tmp_path_factory.mktemp("sam-local")
    with ministack.running(engine) as cloud, model_server.running(model, cloud.addresses) as port:
        parameters = {"OpenAIBaseUrl": cloud.seen_by_functions(port, "/v1"), "AllowedOrigins": "http://localhost:3000"}
        deployed = stack.deploy(cloud, parameters)
        deployed.put_model_key(model.key)
        tokens = users.sign_in(deployed, users.sign_up(deployed, "alice@example.com"))
        address = {"AWS_ENDPOINT_URL": cloud.seen_by_functions(cloud.port)}
        variables = {
            "ChatFunction": deployed.function_variables() | address,
            "CleanupFunction": deployed.cleanup_variables() | address,
        }
        template = write_template(folder, variables)
        (folder / "variables.json").write_text(json.dumps(variables))
        yield SamLocal(engine, template, folder / "variables.json", tokens.access, cloud.environment)
