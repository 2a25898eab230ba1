"""How an answer is to fail: what its last event says, and the log."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chat_testing.chat import Answer
from chatkit_aws.logs import SafeFormatter

RETRY = "Trying again may help."


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What the log has meanwhile, as the application writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter("chat"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def failures(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines about requests that failed."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["message"] == "request failed"]


@dataclass(frozen=True)
class Expected:
    """How an answer is to end."""

    kind: str
    text: str
    retry: bool

    def check(self, answer: Answer, log: io.StringIO, secret: str) -> None:
        """The log has one line of that kind, with the id that the event shows; neither has the secret."""
        request_id = answer.headers["x-request-id"]
        sentences = [self.text, *([RETRY] if self.retry else []), f"Reference: {request_id}"]
        event = {"type": "error", "code": "custom", "message": " ".join(sentences), "allow_retry": self.retry}
        assert answer.events[-1] == event
        assert secret.encode() not in answer.body
        [line] = failures(log)
        assert (line["failure"], line["request_id"]) == (self.kind, request_id)
        assert secret not in log.getvalue()
