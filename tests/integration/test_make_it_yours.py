"""Every change that `docs/make-it-yours.md` shows can be made as it stands, and does what it says."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chat_testing.deployment import load_template
from chat_testing.repository import ROOT

PAGE = ROOT / "docs" / "make-it-yours.md"
SCENARIOS = Path(__file__).with_name("yours") / "scenarios.py"
CHAT = Path("functions", "chat")
TWO_USERS = Path("tests", "integration", "test_two_users.py")
LONGEST = 30
"""Lines that a diff adds at most: else it is not as easy as the page says."""


def sections() -> dict[str, str]:
    """The page's texts by their headings."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def diffs() -> dict[str, str]:
    """Its diffs, likewise."""
    found = {title: re.findall(r"```diff\n(.*?)```", text, re.DOTALL) for title, text in sections().items()}
    return {title: "".join(parts) for title, parts in found.items() if parts}


def run(command: Sequence[str], folder: Path, given: str = "", **variables: str) -> None:
    """Run a command of the page's, as from a shell and not from `make`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ran = subprocess.run(
        command, cwd=folder, input=given, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-5_000:]}\n{ran.stderr[-5_000:]}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after all changes of the page, in order."""
    folder = tmp_path_factory.mktemp("yours")
    shutil.copytree(ROOT / CHAT, folder / CHAT, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / TWO_USERS).parent.mkdir(parents=True)
    for name in ("samconfig.toml", "template.yaml", TWO_USERS, TWO_USERS.with_name("conftest.py")):
        shutil.copy(ROOT / name, folder / name)
    texts = ["make", "--silent", "texts", f"CHAT={folder / CHAT / 'src' / 'chat_api'}"]
    for title, diff in diffs().items():
        if title == "A language":
            run([*texts, "NEW=it"], ROOT)
        run(["git", "apply", "-"], folder, diff, GIT_CEILING_DIRECTORIES=str(folder.parent))
    run(texts, ROOT)
    return folder


def test_page_has_a_short_diff_for_each_change() -> None:
    assert list(diffs()) == ["Instructions", "A tool", "A widget", "A language", "Another model"]
    for title, diff in diffs().items():
        assert 0 < len(re.findall(r"^\+(?!\+\+ )", diff, re.MULTILINE)) <= LONGEST, title


def test_changes_do_what_the_page_says(copy: Path) -> None:
    path = str(copy / CHAT / "src")
    run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SCENARIOS)],
        ROOT, PYTHONPATH=path, COPY_OF_THE_PROJECT=str(copy),
    )  # fmt: skip


def test_new_tool_is_tried_by_two_users_as_all_others_are(copy: Path) -> None:
    run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "chat_testing.plugin",
            "-c", str(ROOT / "pyproject.toml"), "-k", "every_tool_and_action or order_state", str(copy / TWO_USERS),
        ],
        ROOT, PYTHONPATH=str(copy / CHAT / "src"),
    )  # fmt: skip


def test_no_model_is_left_that_the_other_address_does_not_have(copy: Path) -> None:
    choices = copy / CHAT / "src" / "chat_api" / "assistant" / "choices.py"
    assert "gpt-" not in choices.read_text(encoding="utf-8")
    named = re.findall(r"^ +\w+_MODEL: (\S+)", (copy / "template.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert named == ["llama-4-scout", "llama-4-scout", '""']


def imports(package: Path) -> Iterator[tuple[str, str]]:
    """What modules outside of the assistant's folder import from it, by module and name."""
    for file in package.rglob("*.py"):
        if not file.is_relative_to(package / "assistant"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match node:
                    case ast.ImportFrom(module=str(module)) if module.startswith("chat_api.assistant"):
                        for name in node.names:
                            yield module.removeprefix("chat_api.assistant").removeprefix("."), name.name
                    case ast.Import(names=names):
                        assert not any(name.name.startswith("chat_api.assistant") for name in names)


def test_page_names_all_that_is_taken_from_the_folder() -> None:
    taken = defaultdict[str, set[str]](set)
    for module, name in imports(ROOT / CHAT / "src" / "chat_api"):
        taken[module].add(name)
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \|", sections()["Another assistant"], re.MULTILINE)
    assert {module: {*re.findall(r"`(\w+)`", names)} for module, names in rows} == taken


def test_parameters_of_the_page_are_the_templates(copy: Path) -> None:
    told = tomllib.loads((copy / "samconfig.toml").read_text(encoding="utf-8"))
    overrides = told["default"]["deploy"]["parameters"]["parameter_overrides"]
    names = [pair.partition("=")[0] for pair in overrides.split()]
    assert names == ["ModelName", "OpenAIBaseUrl"]
    assert set(names) <= set(load_template()["Parameters"])
