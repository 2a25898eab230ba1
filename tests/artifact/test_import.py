"""The handler starts from the built folders with nothing else on the path, and without a network."""

import json
import re
import subprocess
import sys

import pytest

from chat_testing.artifacts import Artifacts
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
print("report:", json.dumps({
    "callable": callable(getattr(handler, names[1])),
    "modules": {name: path for name, path in found.items() if isinstance(path, str)},
}))
"""


@pytest.fixture(scope="session")
def stack() -> Stack:
    return transformed(load_template())


def environment_of(stack: Stack) -> dict[str, str]:
    """The function's variables; what only AWS knows is a placeholder. No credentials, as no call is to be made."""
    runtime = {"TZ": ":UTC", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "LANG": "en_US.UTF-8"}
    return (
        function_variables(stack, "ChatFunction")
        | runtime
        | {"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_EC2_METADATA_DISABLED": "true"}
    )


def probe(artifacts: Artifacts, stack: Stack) -> subprocess.CompletedProcess[str]:
    """Import the template's handler in an isolated interpreter without site packages."""
    module, _, attribute = stack.properties("ChatFunction")["Handler"].rpartition(".")
    arguments = json.dumps([artifacts.search_path(), [module, attribute]])
    command = [sys.executable, "-I", "-S", "-c", PROBE, arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment_of(stack), cwd="/")


def test_handler_imports_from_the_built_folders_alone(artifacts: Artifacts, stack: Stack) -> None:
    done = probe(artifacts, stack)

    assert done.returncode == 0, done.stderr
    report = json.loads(re.findall(r"^report: (.*)$", done.stdout, re.MULTILINE)[0])
    ours = tuple(artifacts.search_path())
    standard = tuple({sys.base_prefix, sys.prefix})
    strange = {name for name, path in report["modules"].items() if not path.startswith((*ours, *standard))}
    assert report["callable"]
    assert strange == set()
    assert not [path for path in report["modules"].values() if "site-packages" in path]
    assert report["modules"]["chatkit"].startswith(str(artifacts.python_path("DependenciesLayer")))


def test_every_artifact_is_needed(artifacts: Artifacts, stack: Stack) -> None:
    for name in artifacts.folders:
        rest = Artifacts({other: folder for other, folder in artifacts.folders.items() if other != name})
        assert "ModuleNotFoundError" in probe(rest, stack).stderr, name
