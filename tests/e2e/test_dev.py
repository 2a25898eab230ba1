"""`make dev` as a person runs it: it streams, and leaves nothing behind."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from chat_testing.chat import message, request
from chat_testing.repository import ROOT

START_SECONDS = 180.0
END_SECONDS = 60.0


@dataclass(frozen=True)
class Dev:
    """A running `make dev`; addresses as it printed them."""

    process: subprocess.Popen[str]
    address: str
    model: str

    def descendants(self) -> set[int]:
        """The ids of all processes that it started, and of those that they started."""
        table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = {int(pid): int(ppid) for pid, ppid in map(str.split, table.splitlines())}
        found = {self.process.pid}
        while more := {pid for pid, ppid in parents.items() if ppid in found} - found:
            found |= more
        return found - {self.process.pid}


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud.dev"],
        cwd=ROOT,
        # A killed process leaves its folders; they go with the test's.
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = _read_guide(process)
        yield Dev(process, _found(r"Ready: (\S+)/\n", said), _found(r"model +(\S+)/v1 ", said))
    finally:
        process.terminate()
        process.communicate(timeout=END_SECONDS)


def test_words_arrive_one_by_one_and_ctrl_c_leaves_nothing_running(dev: Dev) -> None:
    with httpx2.Client(timeout=START_SECONDS, trust_env=False) as http:
        _let_words_go_one_by_one(http, dev)
        page = http.get(dev.address).text
        assert "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js" in page
        modules = {"/address.js", "/chat-fetch.js", "/chat-run.js", "/choices.js", "/entities.js"}
        assert _modules(http, dev.address, page) == modules
        assert http.get(f"{dev.address}/token", headers={"Host": "elsewhere.example"}).status_code == 400
    started = dev.descendants()
    assert len(started) >= 3  # the local cloud, the application and its reloader
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(END_SECONDS) == 0
    assert [pid for pid in started if _is_running(pid)] == []


def test_application_starts_anew_when_the_instructions_are_edited(dev: Dev) -> None:
    before = dev.descendants()
    (ROOT / "functions/chat/src/chat_api/assistant/instructions.md").touch()
    end = time.monotonic() + END_SECONDS
    while not dev.descendants() - before and time.monotonic() < end:
        time.sleep(0.1)
    assert dev.descendants() - before
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=10), timeout=START_SECONDS, trust_env=False) as http:
        assert http.get(f"{dev.address}/health").status_code == 200


def test_killed_parent_takes_all_with_it(dev: Dev) -> None:
    started = dev.descendants()
    dev.process.kill()
    end = time.monotonic() + END_SECONDS
    while (left := [pid for pid in started if _is_running(pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []


def _let_words_go_one_by_one(http: httpx2.Client, dev: Dev) -> None:
    """Each word is let go by the model when the one before has been seen: a collected answer would never come."""
    token = http.get(f"{dev.address}/token").text
    http.post(f"{dev.model}/control", json={"hold": True, "release": 1}).raise_for_status()
    body = request("threads.create", input=message("one two three"))
    seen: list[str] = []
    with http.stream(
        "POST", f"{dev.address}/chatkit", json=body, headers={"Authorization": f"Bearer {token}"}
    ) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            update = json.loads(line.removeprefix("data: ") or "{}").get("update", {})
            if "delta" in update:
                seen.append(update["delta"])
                http.post(f"{dev.model}/control", json={"release": 1}).raise_for_status()
    assert seen == ["You ", "said: ", "one ", "two ", "three ", "(offline ", "model)"]


def _modules(http: httpx2.Client, address: str, page: str) -> set[str]:
    """The paths of the scripts that the page imports from its own server, and of those that they import."""
    found: set[str] = set()
    texts = [page]
    while texts:
        for path in re.findall(r'from "\.?(/[^"]+)"', texts.pop()):
            module = http.get(address + path).raise_for_status()
            assert module.headers["content-type"].startswith("text/javascript")
            texts.append(module.text)
            found.add(path)
    return found


def _read_guide(process: subprocess.Popen[str]) -> str:
    """What it prints until it is ready."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return said
    pytest.fail(f"make dev ended: {said}")


def _found(pattern: str, said: str) -> str:
    found = re.search(pattern, said)
    assert found, said
    return found[1]


def _is_running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be buried by the machine's first process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return not state.stdout.strip().startswith("Z") and bool(state.stdout.strip())
    return False
