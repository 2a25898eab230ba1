"""A model behind HTTP that says a word when the test lets it: so a test sees each word arrive before the next."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local_cloud.responses import Event, text_answer

WAIT_SECONDS = 30.0
"""How long the model waits for a word, and a test for a call."""


class GatedModel:
    """Speaks the streamed part of OpenAI's Responses API at `base_url`; remembers the key of each call."""

    def __init__(self, base_url: str) -> None:
        """Say nothing until told."""
        self.base_url = base_url
        self.keys: list[str | None] = []
        self._words: queue.Queue[str | None] = queue.Queue()
        self._called = threading.Semaphore(0)

    def wait_for_call(self) -> None:
        """Wait until the model has been asked, and has begun to answer."""
        assert self._called.acquire(timeout=WAIT_SECONDS), "the model was not called"

    def say(self, word: str) -> None:
        """Let the running answer go on by one word."""
        self._words.put(word)

    def end(self) -> None:
        """End the running answer."""
        self._words.put(None)

    def answer(self, key: str | None) -> Iterator[Event]:
        """The events of one answer."""
        self.keys.append(key)
        return text_answer(self._spoken())

    def _spoken(self) -> Iterator[str]:
        self._called.release()
        while (word := self._words.get(timeout=WAIT_SECONDS)) is not None:
            yield word


@contextmanager
def serving_gated_model() -> Iterator[GatedModel]:
    """A gated model on a free loopback port."""

    class Responses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for number, event in enumerate(model.answer(self.headers.get("Authorization"))):
                line = json.dumps({**event, "sequence_number": number})
                self.wfile.write(f"event: {event['type']}\ndata: {line}\n\n".encode())
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Responses)
    model = GatedModel(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
