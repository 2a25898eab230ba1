"""What joining and padding events costs and saves, through the streaming runtime, beside sending each as it comes.

The runtime has a process of its own, as on Lambda; the Runtime API is this process and records each chunk.
"""

import json
import statistics
import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from chat_testing.function_process import FunctionProcess
from chat_testing.http_events import rest_event
from chat_testing.recordings import Chunk
from chat_testing.report import show
from chat_testing.repository import ROOT
from chat_testing.runtime_api import RuntimeApi
from chat_testing.sandbox import STREAMING, Sandbox, make_sandbox, streaming_layer


@dataclass(frozen=True, slots=True)
class Model:
    """How a model speaks: words, words at a time, and seconds between on average, exponentially distributed."""

    words: int
    burst: int
    seconds: float


MODELS = {
    "300 words, one by one, 15 ms apart": Model(300, 1, 0.015),
    "300 words, ten at a time, 150 ms apart": Model(300, 10, 0.150),
    "300 words, all at once": Model(300, 300, 0.0),
}
WINDOWS = {"direct": "direct", "0 ms": "0", "20 ms": "0.020", "50 ms": "0.050"}
PADDINGS = (0, 2_048, 16_384)
ROUNDS, ROUNDS_OF_PADDING = 3, 50


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: parts, bytes, seconds of processor, to the first part, and from saying each word to its arrival."""

    parts: int
    size: int
    cpu: float
    first: float
    delays: list[float]


def paced_sandbox(root: Path) -> Sandbox:
    """The app as a function, the chat's package beside it and the wrapper in charge."""
    chat = root / "chat"
    (chat / "python").mkdir(parents=True)
    (chat / "python/chat_api").symlink_to(ROOT / "functions/chat/src/chat_api", target_is_directory=True)
    return make_sandbox(
        root / "lambda",
        task=ROOT / "tests/runtime/function",
        layers=[streaming_layer(root / "layer"), chat],
        handler="paced.handler",
        variables={**STREAMING, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def answer(api: RuntimeApi, model: Model, window: str, padding: int = 0) -> Sample:
    """Ask once, when the function is idle."""
    api.wait_until_idle()
    invocation = api.invoke(rest_event(f"/{model.words}/{model.burst}/{model.seconds}/{window}/{padding}"))
    _, *parts, cost = invocation.response().chunks
    delays = list(chain.from_iterable(delays_of(part) for part in parts))
    assert len(delays) == model.words, f"{len(delays)} words of {model.words} came"
    size = sum(len(part.data) for part in parts)
    return Sample(len(parts), size, float(cost.data), parts[0].at - invocation.delivered_at, delays)


def delays_of(part: Chunk) -> list[float]:
    """How long each word of a part took."""
    events = [line for line in part.data.splitlines() if line.startswith(b"data: ")]
    return [part.at - json.loads(event.removeprefix(b"data: "))["at"] for event in events]


def row(window: str, samples: list[Sample]) -> tuple[object, ...]:
    """Medians over the rounds; over all words for the delays."""
    delays = sorted(delay * 1e3 for sample in samples for delay in sample.delays)
    middle, late = statistics.median(delays), delays[int(len(delays) * 0.95)]
    return (
        window,
        statistics.median(sample.parts for sample in samples),
        statistics.median(sample.size for sample in samples) / 1e3,
        statistics.median(sample.cpu for sample in samples) * 1e3,
        *(f"{delay:.2f}" for delay in (middle, late, delays[-1])),
    )


def show_windows(api: RuntimeApi) -> None:
    """A table for each model; the windows take turns."""
    for title, model in MODELS.items():
        samples: dict[str, list[Sample]] = {name: [] for name in WINDOWS}
        for _ in range(ROUNDS):
            for name, window in WINDOWS.items():
                samples[name].append(answer(api, model, window))
        head = ("window", "parts", "KB", "CPU, ms", "a word's delay, ms", "p95", "most")
        show(title, head, [row(name, found) for name, found in samples.items()])


def show_paddings(api: RuntimeApi) -> None:
    """What the first part takes with padding."""
    rows: list[tuple[object, ...]] = []
    samples: dict[int, list[Sample]] = {padding: [] for padding in PADDINGS}
    for _ in range(ROUNDS_OF_PADDING):
        for padding in PADDINGS:
            samples[padding].append(answer(api, Model(1, 1, 0.0), "0.020", padding))
    for padding, found in samples.items():
        first = statistics.median(sample.first for sample in found) * 1e3
        rows.append((f"{padding:,}", found[0].size, f"{first:.2f}"))
    show("the first event, padded", ("padding, bytes", "bytes", "ms from the request"), rows)


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RuntimeApi() as api,
        FunctionProcess(paced_sandbox(Path(folder)), api.address),
    ):
        answer(api, Model(300, 300, 0.0), "0")  # the process is warm
        show_windows(api)
        show_paddings(api)


if __name__ == "__main__":
    main()
