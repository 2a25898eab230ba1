"""One call of an operation that goes wrong, whichever it is, once or from then on."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError

from chat_testing.boto_calls import Answer, broken, cancelled, error, lost

type Service = Literal["dynamodb", "s3", "kms"]

_NOWHERE = "http://127.0.0.1"


@dataclass(frozen=True)
class Fault:
    """What a service does instead of its work; `passing` if the same request may succeed a moment later.

    The typical ones stand for the rest where there are too many calls.
    """

    name: str
    answer: Answer = field(repr=False)
    passing: bool = True
    operations: frozenset[str] | None = None
    is_typical: bool = False


_TRANSACTION = frozenset({"TransactWriteItems"})
_NEVER_SENT = Fault("not sent", broken(ConnectTimeoutError(endpoint_url=_NOWHERE)))
_LOST = Fault("answer lost", lost, is_typical=True)

FAULTS: dict[Service, tuple[Fault, ...]] = {
    "dynamodb": (
        Fault("throttled", error("ThrottlingException")),
        Fault("server error", error("InternalServerError", 500)),
        Fault("conflict", cancelled("TransactionConflict", "None"), operations=_TRANSACTION),
        Fault("part throttled", cancelled("ThrottlingError", "None"), operations=_TRANSACTION),
        _NEVER_SENT,
        _LOST,
        Fault("KMS denied", error("KMSAccessDeniedException"), passing=False, is_typical=True),
    ),
    "s3": (
        Fault("down", error("ServiceUnavailable", 503)),
        Fault("dropped", broken(ConnectionClosedError(endpoint_url=_NOWHERE))),
        _LOST,
        Fault("denied", error("AccessDenied", 403), passing=False, is_typical=True),
        Fault("KMS disabled", error("KMS.DisabledException"), passing=False),
    ),
    "kms": (
        Fault("throttled", error("ThrottlingException")),
        _LOST,
        Fault("disabled", error("DisabledException"), passing=False, is_typical=True),
    ),
}


@dataclass
class Plan:
    """Which request of a service goes wrong, counted from 1: that one, or that one and all that follow it.

    `calls` are the requests made, by service.
    """

    service: Service | None = None
    fault: Fault | None = None
    position: int = 0
    lasts: bool = False
    calls: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, service: str, operation: str, request: AWSPreparedRequest) -> AWSResponse | None:
        """What happens instead of sending the request; None if nothing does."""
        with self._lock:
            seen = self.calls.setdefault(service, [])
            seen.append(operation)
            number = len(seen)
        if self.fault is None or service != self.service:
            return None
        if self.fault.operations and operation not in self.fault.operations:
            return None
        is_hit = number >= self.position if self.lasts else number == self.position
        return self.fault.answer(request) if is_hit else None


plan_now: ContextVar[Plan | None] = ContextVar("plan_now", default=None)
"""The plan of this task and of the requests that it makes."""


@contextlib.contextmanager
def disturbed(*clients: BaseClient) -> Iterator[None]:
    """Have these clients' requests follow the plan of whoever makes them."""
    handler = cast("Callable[..., None]", _handle)  # the stubs know no handler that answers
    for client in clients:
        client.meta.events.register("before-send", handler)
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister("before-send", handler)


def _handle(request: AWSPreparedRequest, event_name: str, **_kwargs: Any) -> AWSResponse | None:
    plan = plan_now.get()
    _, service, operation = event_name.split(".")
    return plan.answer(service, operation, request) if plan else None
