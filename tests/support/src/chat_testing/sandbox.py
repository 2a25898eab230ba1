"""Lambda's file system for one function, in a folder: `opt`, `var/task`, `var/runtime`, `var/lang`.

The start-up script does what the managed python3.13 runtime's does: exec wrapper, search path, interface client. The
interpreter sees none of the development environment's packages, only what Amazon's image carries.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chat_testing.repository import ROOT

STREAMING = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bin/lambda-streaming"}
"""The variable that puts the streaming layer in charge."""

_SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
_RUNTIME_PACKAGES = ("awslambdaric", "snapshot_restore_py", "simplejson", "boto3", "botocore", "s3transfer", "jmespath",
                     "dateutil", "urllib3", "six")  # fmt: skip

_INTERPRETER = """\
#!/bin/sh
exec {python} -S "$@"
"""

_BOOTSTRAP = """\
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13
cd {task}
if [ -z "${{AWS_LAMBDA_EXEC_WRAPPER:-}}" ]; then
  exec {python} {runtime}/bootstrap.py
fi
exec "$AWS_LAMBDA_EXEC_WRAPPER" {python} {runtime}/bootstrap.py
"""

_BOOTSTRAP_PY = """\
import os
import site
import sys

if "PYTHONPATH" not in os.environ:
    for folder in ({opt!r} + "/python", {opt!r} + "/python/lib/python3.13/site-packages"):
        sys.path.insert(0, folder)
        site.addsitedir(folder)
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
os.environ["PYTHONPATH"] = os.environ["LAMBDA_RUNTIME_DIR"]

from awslambdaric.__main__ import main

main([os.environ["LAMBDA_TASK_ROOT"], os.environ["_HANDLER"]])
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A function laid out as Lambda would; `bootstrap` starts it once `AWS_LAMBDA_RUNTIME_API` is set.

    `variables` are the function's own, as in the template; a wrapper below `/opt` is found in the sandbox.
    """

    root: Path
    handler: str
    variables: Mapping[str, str]

    @property
    def bootstrap(self) -> Path:
        """The executable that the platform starts."""
        return self.root / "var/runtime/bootstrap"

    @property
    def runtime(self) -> Path:
        """The folder of Amazon's runtime; the packages in it are links."""
        return self.root / "var/runtime"

    @property
    def environment(self) -> dict[str, str]:
        """The process's whole environment, the function's own variables included."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self.root / "var/task"),
            "LAMBDA_RUNTIME_DIR": str(self.runtime),
            "_HANDLER": self.handler,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            **{name: self._located(name, value) for name, value in self.variables.items()},
        }

    def _located(self, name: str, value: str) -> str:
        is_wrapper = name == "AWS_LAMBDA_EXEC_WRAPPER" and value.startswith("/opt/")
        return f"{self.root}{value}" if is_wrapper else value


def make_sandbox(
    root: Path, *, task: Path, layers: Sequence[Path], handler: str, variables: Mapping[str, str] | None = None
) -> Sandbox:
    """Lay out `task` (the function's built folder) and `layers` (each with `bin`, `python`) under the empty `root`.

    Nothing is copied: the folders are linked, so they may be those of a build. Layers are merged in order, the last
    one winning, as at `/opt`. `handler` is `module.attribute`.
    """
    for folder in ("opt/bin", "opt/python", "var/runtime", "var/lang/bin"):
        (root / folder).mkdir(parents=True)
    (root / "var/task").symlink_to(task.resolve(), target_is_directory=True)
    for layer in layers:
        for folder in ("bin", "python"):
            _link_entries(layer / folder, root / "opt" / folder)
    for name in _RUNTIME_PACKAGES:
        _link_package(name, root / "var/runtime")
    _link_package("runtime_client", root / "var/runtime")
    _write_start_up(root)
    return Sandbox(root, handler, variables or {})


def streaming_layer(root: Path) -> Path:
    """The streaming layer and the library that it needs, from the source tree, as a layer's folder under `root`."""
    source = ROOT / "layers/streaming"
    (root / "python").mkdir(parents=True)
    (root / "bin").symlink_to(source / "bin", target_is_directory=True)
    (root / "python/lambda_streaming").symlink_to(source / "src/lambda_streaming", target_is_directory=True)
    add_packages(root, "mangum", "typing_extensions")
    return root


def add_packages(layer: Path, *names: str) -> None:
    """Link packages of the development environment into a layer's folder, by import name."""
    for name in names:
        _link_package(name, layer / "python")


def _link_entries(source: Path, target: Path) -> None:
    for entry in source.iterdir() if source.is_dir() else ():
        (target / entry.name).unlink(missing_ok=True)
        (target / entry.name).symlink_to(entry.resolve(), target_is_directory=entry.is_dir())


def _link_package(name: str, target: Path) -> None:
    """Link a package, a module or an extension module from the development environment."""
    found = [path for pattern in (name, f"{name}.py", f"{name}.*.so") for path in _SITE_PACKAGES.glob(pattern)]
    if not found:
        raise FileNotFoundError(f"{name} is not installed in {_SITE_PACKAGES}")
    for path in found:
        (target / path.name).symlink_to(path)


def _write_start_up(root: Path) -> None:
    python = root / "var/lang/bin/python3.13"
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    _write_executable(python, _INTERPRETER.format(python=base))
    runtime = root / "var/runtime"
    _write_executable(runtime / "bootstrap", _BOOTSTRAP.format(python=python, runtime=runtime, task=root / "var/task"))
    (runtime / "bootstrap.py").write_text(_BOOTSTRAP_PY.format(opt=str(root / "opt")))


def _write_executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
