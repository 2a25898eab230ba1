"""The types of an ASGI app, as any framework's app fits them."""

from collections.abc import Awaitable, Callable

from mangum.types import Message, Receive, Scope, Send

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["AsgiApp", "Message", "Receive", "Scope", "Send"]
