"""What the streaming runtime costs: one app, called in process and through the runtime, in turn in one run.

The runtime has a process of its own, as on Lambda; the Runtime API is this process. Prints one table of medians.
"""
# ruff: noqa: T201 - its output is its purpose

import asyncio
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_testing.function_process import FunctionProcess
from chat_testing.http_events import rest_event
from chat_testing.recordings import Chunk
from chat_testing.repository import ROOT
from chat_testing.runtime_api import RuntimeApi
from chat_testing.sandbox import STREAMING, Sandbox, make_sandbox, streaming_layer
from lambda_streaming.asgi import AsgiApp

FUNCTION = ROOT / "tests/runtime/function"


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds in one response: request to first byte of the body, a part in a burst, the app's `send` to its reader."""

    first_byte: float
    part: float
    delay: float


Pair = tuple[Sample, Sample]
"""The same response in process and through the runtime."""


def sample_of(began: float, parts: list[Chunk]) -> Sample:
    """The figures of one response from its parts, each of which says when it was sent."""
    first, last = parts[0].at, parts[-1].at
    delays = [part.at - float(part.data.split()[1]) for part in parts]
    return Sample(first - began, (last - first) / max(1, len(parts) - 1), statistics.median(delays))


async def in_process(app: AsgiApp, path: str) -> Sample:
    """Call the app as a server in its own process would."""
    parts: list[Chunk] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message.get("body"):
            parts.append(Chunk(message["body"], time.perf_counter()))

    began = time.perf_counter()
    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sample_of(began, parts)


def through_runtime(api: RuntimeApi, path: str) -> Sample:
    """Invoke the function and time its chunks, the prelude apart, as they arrive."""
    api.wait_until_idle()
    invocation = api.invoke(rest_event(path))
    response = invocation.response()
    return sample_of(invocation.delivered_at, list(response.chunks[1:]))


def benched_app() -> AsgiApp:
    """The function's app in this process."""
    spec = importlib.util.spec_from_file_location("benched", FUNCTION / "benched.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: AsgiApp = module.app
    return app


def benched_sandbox(root: Path) -> Sandbox:
    """The same app as a function, the wrapper in charge."""
    layer = streaming_layer(root / "layer")
    return make_sandbox(root / "lambda", task=FUNCTION, layers=[layer], handler="benched.handler", variables=STREAMING)


def report(name: str, scale: float, goal: float | None, pairs: list[Pair], figure: Callable[[Sample], float]) -> None:
    """Print one line of medians; `scale` turns seconds into the unit of `goal`."""
    alone, streamed = (statistics.median(figure(pair[side]) for pair in pairs) * scale for side in (0, 1))
    verdict = "" if goal is None else f"{goal:8.0f}  {'met' if streamed - alone <= goal else 'MISSED'}"
    print(f"{name:24}{alone:12.3f}{streamed:12.3f}{streamed - alone:12.3f}{verdict}")


def measure(api: RuntimeApi, path: str, rounds: int) -> list[Pair]:
    """The same request to both, in turn."""
    app = benched_app()
    return [(asyncio.run(in_process(app, path)), through_runtime(api, path)) for _ in range(rounds)]


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RuntimeApi() as api,
        FunctionProcess(benched_sandbox(Path(folder)), api.address),
    ):
        single, burst, paced = measure(api, "/1/0", 200), measure(api, "/2000/0", 20), measure(api, "/200/0.002", 3)
    print(f"{'streaming runtime':24}{'in process':>12}{'runtime':>12}{'more':>12}{'goal':>8}")
    report("first byte, ms", 1e3, 3.0, single, lambda sample: sample.first_byte)
    report("a part of a burst, µs", 1e6, 60.0, burst, lambda sample: sample.part)
    report("a part alone, µs", 1e6, None, paced, lambda sample: sample.delay)


if __name__ == "__main__":
    main()
