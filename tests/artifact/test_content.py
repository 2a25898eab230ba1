"""What the artifacts hold: the sources of today, bytecode that is used, wheels for the right machine, nothing else."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

from chat_testing.artifacts import LAYERS, SOURCES, Artifacts, machine_of, this_machine

LAMBDA_LIMIT = 250 * 2**20
"""Bytes of a function and its layers together, unpacked (Lambda quotas)."""
HASHED_AND_UNCHECKED = 0b01
"""Flags of a .pyc: by hash of the source (bit 0), not compared with it at import (bit 1 unset); PEP 552."""
STRANGERS = {"Makefile", "pyproject.toml", "uv.lock", "requirements.txt", ".lock", "direct_url.json", "uv_cache.json"}


def test_function_and_layers_fit(artifacts: Artifacts) -> None:
    sizes: dict[str, int] = dict.fromkeys(artifacts.folders, 0)
    for name, path in artifacts.files():
        sizes[name.partition("/")[0]] += path.stat().st_size

    print({name: f"{size / 1e6:.1f} MB" for name, size in sizes.items()})  # noqa: T201  # shown with -s and on failure
    for function, layers in LAYERS.items():
        assert sum(sizes[name] for name in (function, *layers)) < LAMBDA_LIMIT


@pytest.mark.parametrize("name", SOURCES)
def test_artifact_is_built_from_the_sources_of_now(artifacts: Artifacts, name: str) -> None:
    source, built = SOURCES[name] / "src", artifacts.python_path(name)
    files = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]

    assert files
    for path in files:
        copy = built / path.relative_to(source)
        assert copy.exists(), f"{copy} is missing; run `make build`"
        assert copy.read_bytes() == path.read_bytes(), f"{copy} is stale; run `make build`"


@pytest.mark.parametrize("name", SOURCES)
def test_artifact_of_ours_holds_its_own_package_only(artifacts: Artifacts, name: str) -> None:
    [package] = [path.name for path in (SOURCES[name] / "src").iterdir() if path.name != "__pycache__"]

    found = {re.sub(r"-[0-9.]+\.dist-info$", ".dist-info", path.name) for path in artifacts.python_path(name).iterdir()}

    assert found == {package, f"{package}.dist-info"}


def test_every_module_has_bytecode_that_is_never_checked(artifacts: Artifacts) -> None:
    modules = [(name, path) for name, path in artifacts.files() if path.suffix == ".py"]

    assert len(modules) > 1000
    assert [name for name, path in modules if not _is_compiled(path)] == []


def _is_compiled(path: Path) -> bool:
    compiled = Path(importlib.util.cache_from_source(str(path)))
    header = compiled.read_bytes()[:16] if compiled.exists() else bytes(16)
    return (
        header[:4] == importlib.util.MAGIC_NUMBER
        and int.from_bytes(header[4:8], "little") == HASHED_AND_UNCHECKED
        and header[8:] == importlib.util.source_hash(path.read_bytes())
    )


def test_bytecode_names_the_files_where_lambda_has_them(artifacts: Artifacts) -> None:
    for name in artifacts.folders:
        root = "/var/task" if name.endswith("Function") else "/opt/python"
        compiled = next(artifacts.python_path(name).rglob("__init__*.pyc")).read_bytes()
        assert root.encode() in compiled
        assert str(artifacts.python_path(name)).encode() not in compiled


def test_libraries_are_for_this_machine_and_this_python(artifacts: Artifacts) -> None:
    libraries = {name: path for name, path in artifacts.files() if path.suffix == ".so"}

    assert libraries
    assert {machine_of(path) for path in libraries.values()} == {this_machine()}, "built for another ARCHITECTURE"
    assert [name for name in libraries if not re.search(r"\.cpython-313-|\.abi3\.so$|\.libs/", name)] == []


def test_nothing_is_shipped_that_only_development_needs(artifacts: Artifacts) -> None:
    for name, path in artifacts.files():
        assert path.name not in STRANGERS, name
        assert "/tests/" not in name
        assert path.suffix != ".pth", f"{name} would have no effect on Lambda"


def test_no_file_is_in_two_artifacts(artifacts: Artifacts) -> None:
    seen: dict[str, str] = {}
    for name in artifacts.folders:
        root = artifacts.python_path(name)
        for top in root.iterdir():
            assert top.name not in seen, f"{top.name} is in {name} and {seen[top.name]}"
            seen[top.name] = name


def test_wrapper_can_be_executed(artifacts: Artifacts) -> None:
    wrapper = artifacts.folders["StreamingLayer"] / "bin" / "lambda-streaming"

    assert os.access(wrapper, os.X_OK)
    assert wrapper.stat().st_mode & 0o777 == 0o755
    assert wrapper.read_bytes().startswith(b"#!/")


def test_dependencies_are_those_of_the_lock(artifacts: Artifacts) -> None:
    lock = (SOURCES["ChatKitAwsLayer"].parent / "dependencies" / "requirements.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock, re.MULTILINE))
    found = dict(
        path.name.removesuffix(".dist-info").split("-")
        for path in artifacts.python_path("DependenciesLayer").glob("*.dist-info")
    )

    assert {re.sub("[-_.]+", "-", name).lower() for name in found} <= set(pinned)
    for name, version in found.items():
        assert version == pinned[re.sub("[-_.]+", "-", name).lower()]
    assert found["mcp"].startswith("1."), "mcp 2 costs 750 ms of every import"
    assert "uvicorn" not in found
