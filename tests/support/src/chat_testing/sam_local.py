"""`sam local`: the built function in a container, by SAM CLI."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from samtranslator.yaml_helper import yaml_parse

from chat_testing import events
from local_cloud import ports
from local_cloud.child import Child
from local_cloud.engine import HOST_NAME, Engine
from local_cloud.paths import BUILT_TEMPLATE, ROOT, SAM, required
from local_cloud.stack import architecture

START_SECONDS = 120.0
"""How long it may take; the first time it bakes the layers into an image."""


def write_template(folder: Path, variables: Mapping[str, Mapping[str, str]]) -> Path:
    """The built template with absolute paths, whose functions may be given `variables`.

    `sam local` gives a function no variable that its template does not name, such as the local cloud's endpoint.
    """
    template = yaml_parse(required(BUILT_TEMPLATE, "make build").read_text())
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = str(BUILT_TEMPLATE.parent / resource["Properties"][key])
    for function, given in variables.items():
        named = template["Resources"][function]["Properties"]["Environment"]["Variables"]
        named |= dict.fromkeys(given.keys() - named.keys(), "")
    path = folder / "template.json"
    path.write_text(json.dumps(template))
    return path


@dataclass(frozen=True)
class SamLocal:
    """SAM CLI with a template and the variables of its functions; `token` is a user's."""

    engine: Engine
    template: Path
    variables: Path
    token: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    def invoke(self, name: str) -> dict[str, Any]:
        """What the chat answers to the payload of that name, with the user's token where it has a place for one."""
        return _proxy_response(self._invoke("ChatFunction", name))

    def invoke_cleanup(self, name: str) -> dict[str, Any]:
        """What cleanup answers to the payload of that name."""
        answer = json.loads(self._invoke("CleanupFunction", name))
        assert isinstance(answer, dict)
        return answer

    def _invoke(self, function: str, name: str) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as event:
            json.dump(events.load(name, self.token), event)
            event.flush()
            done = subprocess.run(
                self._command("invoke", function, "--event", event.name),
                cwd=ROOT,
                env=self._environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def functions(self, log: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
        """Does what `invoke` does by `sam local start-lambda`, whose container stays warm.

        `sam local invoke` builds an image with the template's layers each time, half a minute for one answer.
        """
        with self._serving("start-lambda", log) as http:

            def invoke(name: str) -> dict[str, Any]:
                event = events.load(name, self.token)
                return _proxy_response(http.post("/2015-03-31/functions/ChatFunction/invocations", json=event).text)

            yield invoke

    @contextlib.contextmanager
    def api(self, log: Path) -> Iterator[httpx2.Client]:
        """A client of `sam local start-api`, whose container stays warm."""
        with self._serving("start-api", log) as http:
            yield http

    @contextlib.contextmanager
    def _serving(self, subcommand: str, log: Path) -> Iterator[httpx2.Client]:
        (listener,) = ports.listen()
        port = ports.port_of([listener])
        listener.close()
        command = self._command(subcommand, "--host", ports.LOOPBACK, "--port", str(port), "--warm-containers", "LAZY")
        with Child(command, self._environment(), log=log) as child:
            end = time.monotonic() + START_SECONDS
            with httpx2.Client(
                base_url=f"http://{ports.LOOPBACK}:{port}", timeout=START_SECONDS, trust_env=False
            ) as http:
                while not _listens(port):
                    child.check(f"sam local {subcommand}")
                    assert time.monotonic() < end, f"sam local {subcommand} did not start"
                    time.sleep(0.1)
                yield http

    def _command(self, subcommand: str, *arguments: str) -> list[str]:
        reach = ["--add-host", f"{HOST_NAME}:{self.engine.gateway}"] if self.engine.gateway else []
        return [
            *(str(required(SAM, "make setup-sam")), "local", subcommand, *arguments),
            *("--template", str(self.template), "--parameter-overrides", f"Architecture={architecture()}"),
            *("--env-vars", str(self.variables), "--skip-pull-image", *reach),
        ]

    def _environment(self) -> dict[str, str]:
        # SAM CLI itself calls nothing here, and must not be led to the local cloud by an address for containers.
        own = {name: value for name, value in self.environment.items() if name != "AWS_ENDPOINT_URL"}
        return {**os.environ, **own, "SAM_CLI_TELEMETRY": "0", "DOCKER_HOST": self.engine.host}


def _proxy_response(text: str) -> dict[str, Any]:
    answer = json.loads(text)
    assert "statusCode" in answer, text
    assert isinstance(answer, dict)
    return answer


def _listens(port: int) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        httpx2.get(f"http://{ports.LOOPBACK}:{port}/", trust_env=False)
        return True
    return False
