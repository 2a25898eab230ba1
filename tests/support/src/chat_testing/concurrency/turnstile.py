"""Requests of several writers, let through one at a time in an order that a test chose."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from chat_testing.boto_calls import Answer

PATIENCE = 60
"""Seconds after which writers that wait for each other are a defect of the test."""

writer_now: ContextVar[int | None] = ContextVar("writer_now", default=None)
"""Whose request it is; threads that make requests inherit it."""


@dataclass(eq=False)
class _Ticket:
    writer: int
    name: str


class Turnstile:
    """Waits until every writer that still runs has a request to make, then lets one of them through to its answer.

    `choices` say whose turn it is, each as a number that is taken modulo the number of writers who wait; then the first
    one goes on. `faults` say what happens to each request in turn instead of being sent; None is nothing.
    """

    def __init__(self, writers: int, choices: Iterable[int], faults: Iterable[Answer | None] = ()) -> None:
        self._running = set(range(writers))
        self._choices, self._faults = deque(choices), deque(faults)
        self._waiting: list[_Ticket] = []
        self._chosen: _Ticket | None = None
        self._changed = threading.Condition()
        self._session = URLLib3Session()

    def leave(self, writer: int) -> None:
        """A writer has ended."""
        with self._changed:
            self._running.discard(writer)
            self._choose()

    def pass_through(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        """Wait for the request's turn and give its answer; a request that is no writer's is sent at once."""
        writer = writer_now.get()
        if writer is None:
            return None
        ticket = _Ticket(writer, f"{event_name} {request.body!r}")
        with self._changed:
            self._waiting.append(ticket)
            self._choose()
            assert self._changed.wait_for(lambda: self._chosen is ticket, PATIENCE), "writers wait for each other"
            self._waiting.remove(ticket)
            try:
                return self._answer(request)
            finally:
                self._chosen = None
                self._choose()

    def _answer(self, request: AWSPreparedRequest) -> AWSResponse:
        fault = self._faults.popleft() if self._faults else None
        answer: AWSResponse = fault(request) if fault else self._session.send(request)
        return answer

    def _choose(self) -> None:
        writers = sorted({ticket.writer for ticket in self._waiting})
        if self._chosen is not None or not self._running or not self._running <= set(writers):
            return
        choice = writers[self._choices.popleft() % len(writers)] if self._choices else writers[0]
        self._chosen = min((one for one in self._waiting if one.writer == choice), key=lambda one: one.name)
        self._changed.notify_all()


@contextlib.contextmanager
def turnstile(client: BaseClient, turns: Turnstile) -> Iterator[None]:
    """Have the client's requests go through it."""
    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}"
    handler = cast("Callable[..., None]", turns.pass_through)  # the stubs know no handler that answers
    client.meta.events.register(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)
