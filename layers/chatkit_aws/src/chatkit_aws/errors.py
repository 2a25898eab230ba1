"""The errors of this layer: one class per cause, one base to catch them all."""

from chatkit.store import NotFoundError


class ChatKitAwsError(Exception):
    """Base of every error that this layer raises."""


class InvalidToken(ChatKitAwsError):
    """The access token cannot be accepted; `reason` is for the log and never holds any of the token."""

    def __init__(self, reason: str) -> None:
        """Refuse for `reason`."""
        super().__init__(reason)
        self.reason = reason


class InsufficientScope(ChatKitAwsError):
    """The access token is valid and lacks the scope of this API."""


class KeysUnavailable(ChatKitAwsError):
    """The issuer's keys could not be fetched and none are known, so no token can be checked now."""


class ModelKeyUnavailable(ChatKitAwsError):
    """The model's key could not be read from Secrets Manager; the message says what to do, never the key."""


class StoreUnavailable(ChatKitAwsError):
    """DynamoDB did not carry out a request, after its retries; nothing is known to have been written."""


class ItemTooLarge(ChatKitAwsError):
    """An item is larger than DynamoDB takes; nothing was stored. `size` and `limit` are in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        """Refuse an item of `size` bytes."""
        super().__init__(f"the item has {size:,} bytes and may have {limit:,}")
        self.size = size
        self.limit = limit


class UnknownCursor(ChatKitAwsError, NotFoundError):
    """The element that a page is to follow does not exist in that list."""
