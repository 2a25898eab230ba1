"""A process that is killed at one of its requests, as far as the services can tell."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session


class Killed(Exception):
    """The process is no more."""


@contextlib.contextmanager
def killed_at(number: int, *clients: BaseClient, is_carried_out: bool) -> Iterator[None]:
    """From request `number` of these clients on, counted from 1, no answer comes.

    That request itself may still be carried out; those that would follow are never sent.
    """
    lock, count = threading.Lock(), 0

    def die(request: AWSPreparedRequest, **_: Any) -> None:
        nonlocal count
        with lock:
            count += 1
            own = count
        if own == number and is_carried_out:
            URLLib3Session().send(request)
        if own >= number:
            raise Killed

    for client in clients:
        client.meta.events.register(_event(client), die)
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister(_event(client), die)


def _event(client: BaseClient) -> str:
    return f"before-send.{client.meta.service_model.service_id.hyphenize()}"
