"""What `sam build` made: the folders of functions and layers, as Lambda will unpack them."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chat_api.settings import Settings
from chat_testing.repository import ROOT
from chat_testing.sandbox import STREAMING, Sandbox, make_sandbox

BUILD = ROOT / ".aws-sam" / "build"
SOURCES = {
    "ChatFunction": ROOT / "functions" / "chat",
    "CleanupFunction": ROOT / "functions" / "cleanup",
    "TaskToolsFunction": ROOT / "functions" / "task_tools",
    "ChatKitAwsLayer": ROOT / "layers" / "chatkit_aws",
    "StreamingLayer": ROOT / "layers" / "streaming",
}
"""The artifacts of our own, and the members that they are made of."""
LAYERS = {
    "ChatFunction": ("ChatKitAwsLayer", "StreamingLayer", "DependenciesLayer"),
    "CleanupFunction": ("ChatKitAwsLayer", "DependenciesLayer"),
    "TaskToolsFunction": ("ChatKitAwsLayer", "StreamingLayer", "DependenciesLayer"),
}
"""The functions, and the layers that they have in the template."""

_ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
"""EM_X86_64 and EM_AARCH64 of the ELF header's e_machine."""


@dataclass(frozen=True)
class Artifacts:
    """The built folders by logical id."""

    folders: dict[str, Path]

    def python_path(self, name: str) -> Path:
        """Where an artifact's packages are: a function's own folder, a layer's `python`."""
        folder = self.folders[name]
        return folder if name.endswith("Function") else folder / "python"

    def search_path(self) -> list[str]:
        """What Lambda puts on `sys.path`: the function first, then its layers."""
        return [str(self.python_path(name)) for name in self.folders]

    def of(self, function: str) -> Artifacts:
        """A function and its layers."""
        return Artifacts({name: self.folders[name] for name in (function, *LAYERS[function])})

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file, with its path within its artifact, such as `DependenciesLayer/python/six.py`."""
        for name, folder in self.folders.items():
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield f"{name}/{path.relative_to(folder)}", path


def built_artifacts() -> Artifacts:
    """The artifacts of the last build. Raises FileNotFoundError with advice where one is missing."""
    folders = {name: BUILD / name for name in (*SOURCES, "DependenciesLayer")}
    if missing := [name for name, folder in folders.items() if not folder.is_dir()]:
        message = f"not built: {', '.join(missing)}; run `make build` first"
        raise FileNotFoundError(message)
    return Artifacts(folders)


def machine_of(library: Path) -> str:
    """The processor that a shared library is for, as `platform.machine()` names it."""
    with library.open("rb") as file:
        header = file.read(20)
    return _ELF_MACHINES.get(int.from_bytes(header[18:20], "little"), "unknown")


def this_machine() -> str:
    """The processor here, by the same names."""
    return {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())


def built_sandbox(root: Path, variables: Mapping[str, str]) -> Sandbox:
    """The built chat function under the empty `root`, laid out as Lambda would, with the streaming layer in charge."""
    folders = built_artifacts().folders
    return make_sandbox(
        root,
        task=folders["ChatFunction"],
        layers=[folder for name, folder in folders.items() if name.endswith("Layer")],
        handler="chat_api.handler.handler",
        variables={**STREAMING, **variables},
    )


def variables_of(settings: Settings) -> dict[str, str]:
    """Settings as the environment variables that they come from."""
    return {name.upper(): _text(value) for name, value in settings.model_dump().items()}


def _text(value: object) -> str:
    match value:
        case tuple():
            return ",".join(value)
        case dict():
            return json.dumps(value)
    return str(value)
