"""An offline model that speaks OpenAI's Responses API: it repeats what it is told, and uses a tool when asked for one.

It stands in for a model where there is no key and no network; it is no model, and says so.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from local_cloud import ports
from local_cloud.errors import NotReady
from local_cloud.offline_answer import ModelRequest, answer
from local_cloud.responses import Event

KEY = "offline-key"
"""The key that is accepted, so that a wrong one is refused as by a real model."""
START_SECONDS = 30.0
HELD_SECONDS = 60.0
"""How long a word is held back before the answer goes on by itself."""
_ALL = 1000
"""More words than are ever held back at once."""


class Control(BaseModel):
    """How words are let go: `hold` true holds each back until released, `release` lets that many go.

    `status` is what requests are refused with from now on; 200 answers them again.
    """

    hold: bool | None = None
    release: int = 0
    status: int | None = Field(default=None, ge=200, le=599)


@dataclass
class OfflineModel:
    """The model's state: its pace, and the requests it has had, newest last, but for those for titles.

    `delay` is in seconds before each word.
    """

    key: str = KEY
    delay: float = 0.05
    requests: deque[ModelRequest] = field(default_factory=lambda: deque(maxlen=1000))
    held: bool = False
    status: int = 200
    _released: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def control(self, control: Control) -> None:
        """Hold words back, release some, or let all go again; what was released before counts no more when they are."""
        if control.hold and not self.held:
            self._released = threading.Semaphore(0)
        if control.hold is not None:
            self.held = control.hold
        if control.status is not None:
            self.status = control.status
        if control.release:
            self._released.release(control.release)

    def paced(self, words: Iterable[str]) -> Iterator[str]:
        """The words, each when it may go."""
        for word in words:
            if self.held:
                self._released.acquire(timeout=HELD_SECONDS)
            else:
                time.sleep(self.delay)
            yield word


def create_model(model: OfflineModel) -> FastAPI:
    """The model as an application; `POST /control` takes a `Control`, `GET /control` tells the number of requests."""
    app = FastAPI(title="offline model", openapi_url=None)

    # Not asynchronous: an answer waits for its words in a thread of its own.
    @app.post("/v1/responses")
    def responses(request: ModelRequest, authorization: Annotated[str, Header()] = "") -> Response:
        if not request.is_aside:
            model.requests.append(request)
        if authorization != f"Bearer {model.key}":
            return _refusal(401, "invalid_api_key", "Incorrect API key provided.")
        if model.status != HTTPStatus.OK:
            return _refusal(model.status, "offline_model", "The offline model was told to fail.")
        events = answer(request, model.paced)
        if request.stream:
            return StreamingResponse(_lines(events), media_type="text/event-stream")
        *_, completed = events
        return JSONResponse(completed["response"])

    @app.post("/control")
    def control(control: Control) -> None:
        model.control(control)

    @app.get("/control")
    def requests() -> dict[str, int]:
        return {"requests": len(model.requests)}

    return app


@contextmanager
def running(model: OfflineModel, addresses: Sequence[str] = (ports.LOOPBACK,)) -> Iterator[int]:
    """Serve the model at these addresses, on a free port, which is given."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(listener) for listener in ports.listen(addresses)]
        port = ports.port_of(sockets)
        server = uvicorn.Server(uvicorn.Config(create_model(model), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, name="offline model", daemon=True)
        thread.start()
        try:
            _wait(server)
            yield port
        finally:
            # Answers that are held back would keep the server from ending.
            model.control(Control(hold=False, release=_ALL))
            server.should_exit = True
            thread.join()


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    """An error as OpenAI's API has it."""
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return JSONResponse({"error": error}, status_code=status)


def _wait(server: uvicorn.Server) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > end:
            raise NotReady("the offline model did not start")
        time.sleep(0.01)


def _lines(events: Iterable[Event]) -> Iterator[str]:
    """The events as server-sent events, numbered."""
    for number, event in enumerate(events):
        yield f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
