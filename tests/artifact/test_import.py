"""The handler starts from the built folders with nothing else on the path, and without a network."""

import json
import re
import subprocess
import sys

import pytest

from chat_testing.artifacts import LAYERS, Artifacts
from chat_testing.deployment import Stack, function_variables, load_template, transformed

PROBE = """\
import json, os, sys

searched, names = json.loads(sys.argv[1])

def refuse_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise RuntimeError(f"{event} at import: {arguments}")

sys.addaudithook(refuse_network)
before = set(sys.modules)
sys.path[:0] = searched
__import__("time").tzset()
handler = __import__(names[0], fromlist=["handler"])
found = {name: getattr(module, "__file__", None) for name, module in sys.modules.items() if name not in before}
unbuilt = [
    f"{module}.{name}"
    for module in ("chatkit.types", "openai.types.responses") if module in found
    for name, model in vars(sys.modules[module]).items()
    if not getattr(model, "__pydantic_complete__", True) and model.__name__ != "BaseModel"
]
print("report:", json.dumps({
    "unbuilt": unbuilt,
    "callable": callable(getattr(handler, names[1])),
    "modules": {name: path for name, path in found.items() if isinstance(path, str)},
}))
"""


@pytest.fixture(scope="session")
def stack() -> Stack:
    return transformed(load_template())


def environment_of(stack: Stack, function: str) -> dict[str, str]:
    """The function's variables; what only AWS knows is a placeholder. No credentials, as no call is to be made."""
    runtime = {"TZ": ":UTC", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "LANG": "en_US.UTF-8"}
    return (
        function_variables(stack, function)
        | runtime
        | {"AWS_LAMBDA_FUNCTION_NAME": "name", "AWS_EC2_METADATA_DISABLED": "true"}
    )


def probe(artifacts: Artifacts, stack: Stack, function: str) -> subprocess.CompletedProcess[str]:
    """Import the template's handler in an isolated interpreter without site packages."""
    module, _, attribute = stack.properties(function)["Handler"].rpartition(".")
    arguments = json.dumps([artifacts.search_path(), [module, attribute]])
    command = [sys.executable, "-I", "-S", "-c", PROBE, arguments]
    environment = environment_of(stack, function)
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")


@pytest.mark.parametrize("function", LAYERS)
def test_handler_imports_from_the_built_folders_alone(artifacts: Artifacts, stack: Stack, function: str) -> None:
    own = artifacts.of(function)
    done = probe(own, stack, function)

    assert done.returncode == 0, done.stderr
    report = json.loads(re.findall(r"^report: (.*)$", done.stdout, re.MULTILINE)[0])
    ours = tuple(own.search_path())
    standard = tuple({sys.base_prefix, sys.prefix})
    strange = {name for name, path in report["modules"].items() if not path.startswith((*ours, *standard))}
    assert report["callable"]
    assert report["unbuilt"] == []  # what is not built at the start takes time of the first answer
    assert strange == set()
    assert not [path for path in report["modules"].values() if "site-packages" in path]
    assert report["modules"]["chatkit_aws"].startswith(str(artifacts.python_path("ChatKitAwsLayer")))
    assert report["modules"]["pydantic"].startswith(str(artifacts.python_path("DependenciesLayer")))


@pytest.mark.parametrize("function", LAYERS)
def test_every_artifact_is_needed(artifacts: Artifacts, stack: Stack, function: str) -> None:
    folders = artifacts.of(function).folders
    for name in folders:
        rest = Artifacts({other: folder for other, folder in folders.items() if other != name})
        assert "ModuleNotFoundError" in probe(rest, stack, function).stderr, name


@pytest.mark.parametrize("function", LAYERS)
def test_layers_are_those_of_the_template(stack: Stack, function: str) -> None:
    layers = [layer["Ref"] for layer in stack.properties(function)["Layers"]]

    assert sorted(re.match("[A-Za-z]+Layer", layer)[0] for layer in layers) == sorted(LAYERS[function])  # type: ignore[index]  # all match
