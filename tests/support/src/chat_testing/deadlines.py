"""A platform that ends a request soon."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chat_api.runs.turn import MARGIN_SECONDS
from lambda_streaming.invocation import Invocation, current_invocation


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """The platform ends the request so soon that the turn has only that many seconds."""
    deadline = time.time() + MARGIN_SECONDS + seconds
    token = current_invocation.set(Invocation("request-1", deadline, None, "arn"))
    try:
        yield
    finally:
        current_invocation.reset(token)
