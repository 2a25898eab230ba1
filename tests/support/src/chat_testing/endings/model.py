"""The offline model, and what became of each call: answered to its end, or its connection was closed before."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud import ports
from local_cloud.model_server import OfflineModel, create_model
from local_cloud.offline_answer import ModelRequest

KEY = "sk-endings"
WORD_SECONDS = 0.045
"""The model's pace."""
START_SECONDS = 30.0


def answer_to(text: str) -> str:
    """What the offline model says to a message that asks for no tool."""
    return f"You said: {text} (offline model)"


@dataclass(slots=True)
class Call:
    """A call of the model with the message that it answers; times are `time.monotonic`'s."""

    text: str
    asked_at: float
    answered_at: float | None = None
    closed_at: float | None = None
    """When its connection was seen closed before the answer was complete."""

    @property
    def is_over(self) -> bool:
        """Whether the model says no more."""
        return self.answered_at is not None or self.closed_at is not None


@dataclass
class WatchedModel:
    """The offline model behind a watch; `calls` are in the order in which they came."""

    app: ASGIApp = field(default_factory=lambda: create_model(OfflineModel(key=KEY, delay=WORD_SECONDS)))
    calls: list[Call] = field(default_factory=list)

    def about(self, text: str) -> list[Call]:
        """The calls that were to answer this message."""
        return [call for call in self.calls if call.text == text]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and take note of its end."""
        body, call = bytearray(), Call("", 0.0)

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect" and call.answered_at is None:
                call.closed_at = time.monotonic()
            elif message["type"] == "http.request":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    call.text, call.asked_at = _last_message(bytes(body)), time.monotonic()
                    self.calls.append(call)
            return message

        async def sent(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                call.answered_at = time.monotonic()

        await self.app(scope, received, sent)


def _last_message(body: bytes) -> str:
    """The text of the last item that the model is shown."""
    items = ModelRequest.model_validate(json.loads(body)).input
    content = items if isinstance(items, str) else items[-1].get("content", "")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@contextmanager
def serving(model: WatchedModel) -> Iterator[str]:
    """Serve the model on a free port; gives its address."""
    sockets = ports.listen()
    server = uvicorn.Server(uvicorn.Config(model, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, name="watched model", daemon=True)
    thread.start()
    try:
        yield f"http://{ports.LOOPBACK}:{ports.port_of(sockets)}/v1"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        for listener in sockets:
            listener.close()
