"""A handler that has nothing to do with ASGI."""

from typing import Any


def handler(event: Any, context: Any) -> Any:
    return {"event": event, "request_id": context.aws_request_id}
