"""Every change that `docs/make-it-yours.md` shows can be made as it stands, and does what it says."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from chat_testing.deployment import load_template
from chat_testing.repository import ROOT

PAGE = ROOT / "docs" / "make-it-yours.md"
SCENARIOS = Path(__file__).with_name("yours") / "scenarios.py"
CHAT = Path("functions", "chat")
LONGEST = 30
"""Lines that a diff adds at most: else it is not as easy as the page says."""


def diffs() -> dict[str, str]:
    """The page's diffs by their headings."""
    sections = re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return {title: "".join(re.findall(r"```diff\n(.*?)```", text, re.DOTALL)) for title, text in sections}


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
    shutil.copy(ROOT / "samconfig.toml", folder)
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


def test_parameters_of_the_page_are_the_templates(copy: Path) -> None:
    told = tomllib.loads((copy / "samconfig.toml").read_text(encoding="utf-8"))
    overrides = told["default"]["deploy"]["parameters"]["parameter_overrides"]
    names = [pair.partition("=")[0] for pair in overrides.split()]
    assert names == ["ModelName", "OpenAIBaseUrl"]
    assert set(names) <= set(load_template()["Parameters"])
