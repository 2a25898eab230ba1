"""What can go wrong between Lambda and the app: one class per cause."""


class LambdaStreamingError(Exception):
    """Base of this package's errors."""


class UnsupportedEvent(LambdaStreamingError):
    """The event is no HTTP request that the handler knows."""

    def __init__(self, event: object) -> None:
        found = (
            f"keys {', '.join(sorted(map(str, event))) or 'none'}" if isinstance(event, dict) else type(event).__name__
        )
        super().__init__(
            "expected an API Gateway proxy event (payload 1.0: resource, httpMethod, requestContext) "
            f"or a function URL event (payload 2.0: version, rawPath, requestContext), got {found}"
        )


class UnexpectedMessage(LambdaStreamingError):
    """The app sent an ASGI message that its response does not allow now."""


class NoResponse(LambdaStreamingError):
    """The app ended without starting a response."""


class IncompleteResponse(LambdaStreamingError):
    """The app ended between the start and the last part of its response."""


class AppExited(LambdaStreamingError):
    """The app called `sys.exit` while it served a request."""


class PreludeTooLarge(LambdaStreamingError):
    """Status, headers and cookies are more than API Gateway reads."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"status, headers and cookies take {size} bytes, the limit is {limit}")
        self.size = size
        self.limit = limit


class ClientDisconnected(LambdaStreamingError, OSError):
    """Nobody reads the response any more; an `OSError`, as ASGI asks of `send` since spec version 2.4."""
