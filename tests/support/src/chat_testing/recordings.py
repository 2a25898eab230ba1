"""What a function posted to the Runtime API, chunk by chunk."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

Wait = Callable[[Callable[[], bool], str], None]
"""Waits until a condition holds; the text says for what."""


class Reading(Enum):
    """What the server does with the response to an invocation."""

    WHOLE = auto()
    HANG_UP = auto()
    """Closes the connection once `read_chunks` chunks have been read."""
    REFUSE = auto()
    """Answers 413 there instead, and reads no more."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk as it came; `at` is `time.perf_counter()`."""

    data: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Response:
    """A recorded response: the POST's headers and trailers (lower case), and its chunks."""

    headers: Mapping[str, str]
    chunks: tuple[Chunk, ...]
    trailers: Mapping[str, str]
    connection: int
    """Number of the connection that it came on."""

    @property
    def payload(self) -> bytes:
        """All that was posted."""
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def prelude(self) -> dict[str, Any]:
        """Status, headers and cookies: the first chunk, which holds nothing else."""
        head, delimiter, rest = self.chunks[0].data.partition(bytes(8))
        if not delimiter or rest:
            raise AssertionError(f"the first chunk is not a prelude alone: {self.chunks[0].data!r}")
        prelude: dict[str, Any] = json.loads(head.decode("ascii"))
        return prelude

    @property
    def body(self) -> bytes:
        """What follows the prelude."""
        return b"".join(chunk.data for chunk in self.chunks[1:])

    @property
    def error(self) -> dict[str, Any]:
        """The error in the trailers."""
        error: dict[str, Any] = json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))
        return error


@dataclass(frozen=True, slots=True)
class FunctionError:
    """What a function posted to an error endpoint."""

    kind: str
    document: dict[str, Any]


@dataclass
class Recording:
    """What has come so far; guarded by the API's condition."""

    delivered_at: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    connection: int = 0
    is_complete: bool = False
    error: FunctionError | None = None


class Invocation:
    """One event that was handed out or waits to be, and what the function made of it."""

    def __init__(self, request_id: str, event: bytes, headers: Mapping[str, str], wait: Wait) -> None:
        self.request_id = request_id
        self.event = event
        self.headers = headers
        self.reading = Reading.WHOLE
        self.read_chunks = 0
        self.recording = Recording()
        self._wait = wait

    def chunk(self, number: int) -> Chunk:
        """Wait for a chunk, counted from 0, the prelude."""
        self._wait(lambda: len(self.recording.chunks) > number, f"chunk {number}")
        return self.recording.chunks[number]

    def response(self) -> Response:
        """Wait for the whole response; raises `AssertionError` if the function posted an error instead."""
        self._wait(lambda: self.recording.is_complete or self.recording.error is not None, "a response")
        assert self.recording.error is None, self.recording.error
        found = self.recording
        return Response(dict(found.headers), tuple(found.chunks), dict(found.trailers), found.connection)

    def error(self) -> FunctionError:
        """Wait for the error that the function posted; raises `AssertionError` if it responded instead."""
        self._wait(lambda: self.recording.is_complete or self.recording.error is not None, "an error")
        assert self.recording.error is not None, "the function responded"
        return self.recording.error

    @property
    def delivered_at(self) -> float:
        """When the event was handed to the function, as `time.perf_counter()`."""
        self._wait(lambda: self.recording.delivered_at is not None, "the function to ask for it")
        assert self.recording.delivered_at is not None
        return self.recording.delivered_at
