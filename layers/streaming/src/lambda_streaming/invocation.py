"""The running invocation, as a context variable: several may run in one process."""

import os
import re
import time
from contextvars import ContextVar
from dataclasses import dataclass

from mangum.types import LambdaContext


@dataclass(frozen=True, slots=True)
class Invocation:
    """What Lambda says of one invocation."""

    request_id: str
    deadline: float
    """When Lambda ends the process: epoch seconds."""
    trace_id: str | None
    """The X-Ray trace's id, `1-{8 hex digits}-{24 hex digits}`."""
    function_arn: str


current_invocation: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
"""The invocation that the current task serves; `None` outside of one, as under a plain web server."""


def invocation_of(context: LambdaContext) -> Invocation:
    """The invocation behind a handler's `context`; call it in the thread that the handler was called in.

    The interface client keeps the trace header in the environment, where it holds until the next invocation begins.
    """
    return Invocation(
        request_id=context.aws_request_id,
        deadline=time.time() + context.get_remaining_time_in_millis() / 1000,
        trace_id=trace_id_of(os.environ.get("_X_AMZN_TRACE_ID", "")),
        function_arn=context.invoked_function_arn,
    )


def trace_id_of(header: str) -> str | None:
    """The `Root` of an X-Ray trace header (`Root=...;Parent=...;Sampled=...`)."""
    root = re.search(r"(?:^|;)\s*Root=([^;]+)", header)
    return root[1] if root else None
