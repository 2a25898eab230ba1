"""Within Lambda a request is one X-Ray subsegment, sent when its stream has ended and without any message."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
CANARY = "the-user-s-own-words"

PROGRAM = """
import asyncio
from chatkit_aws.telemetry import Telemetry

telemetry = Telemetry("chat", "Test")

async def request(request_id, seconds=0, error=None):
    async with telemetry.request(request_id) as record:
        record.operation = "threads.create"
        await asyncio.sleep(seconds)
        if error:
            raise error

async def main():
    await asyncio.gather(REQUESTS, return_exceptions=True)

asyncio.run(main())
"""


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    """Where Lambda's X-Ray daemon would listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        yield listener


def serve(daemon: socket.socket, requests: str, task_root: str = "/var/task") -> None:
    """Run requests in a process of its own, since the tracer keeps what it finds at its start."""
    address = f"127.0.0.1:{daemon.getsockname()[1]}"
    found = {**os.environ, "AWS_XRAY_DAEMON_ADDRESS": address, "_X_AMZN_TRACE_ID": TRACE, "LAMBDA_TASK_ROOT": task_root}
    code = PROGRAM.replace("REQUESTS", requests)
    done = subprocess.run([sys.executable, "-c", code], env=found, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == requests.count("request(")


def subsegment(daemon: socket.socket) -> dict[str, Any]:
    _, _, document = daemon.recv(65_536).partition(b"\n")
    found = json.loads(document)
    assert isinstance(found, dict)
    return found


def test_request_is_one_subsegment_that_can_be_searched_for(daemon: socket.socket) -> None:
    serve(daemon, "request('r1')")
    found = subsegment(daemon)
    assert found["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert found["annotations"] == {"request_id": "r1", "operation": "threads.create"}
    assert found["end_time"] >= found["start_time"]
    assert "fault" not in found


def test_failure_is_marked_and_its_message_is_not_sent(daemon: socket.socket) -> None:
    serve(daemon, f"request('r1', error=LookupError('{CANARY}'))")
    found = subsegment(daemon)
    assert found["fault"] is True
    assert CANARY not in json.dumps(found)


def test_requests_at_the_same_time_are_subsegments_beside_each_other(daemon: socket.socket) -> None:
    serve(daemon, "request('r1', 0.05), request('r2', 0.1), request('r3', 0.02)")
    found = [subsegment(daemon) for _ in range(3)]
    assert [one["annotations"]["request_id"] for one in found] == ["r3", "r1", "r2"]
    assert [one["parent_id"] for one in found] == ["53995c3f42cd8ad8"] * 3


def test_nothing_is_traced_outside_lambda(daemon: socket.socket) -> None:
    serve(daemon, "request('r1')", task_root="")
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(1)
