"""A model behind HTTP that says a word when the test lets it: so a test sees each word arrive before the next."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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

    def answer(self, key: str | None) -> Iterator[dict[str, Any]]:
        """The events of one answer."""
        self.keys.append(key)
        number = len(self.keys)
        place = {"item_id": f"msg_gated{number}", "output_index": 0, "content_index": 0}
        item = {"id": place["item_id"], "type": "message", "role": "assistant"}
        response = {"id": f"resp_{number}", "object": "response", "created_at": 0, "model": "gated", "output": []}
        response |= {"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        yield {"type": "response.created", "response": {**response, "status": "in_progress"}}
        yield _item("added", {**item, "status": "in_progress", "content": []})
        yield {"type": "response.content_part.added", **place, "part": _part("")}
        self._called.release()
        text = ""
        while (word := self._words.get(timeout=WAIT_SECONDS)) is not None:
            text += word
            yield {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
        done = {**item, "status": "completed", "content": [_part(text)]}
        yield {"type": "response.content_part.done", **place, "part": _part(text)}
        yield _item("done", done)
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        completed = {**response, "status": "completed", "output": [done], "usage": {**usage, **details}}
        yield {"type": "response.completed", "response": completed}


def _item(state: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{state}", "output_index": 0, "item": item}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


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
