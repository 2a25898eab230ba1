"""The errors of this layer: one class per cause, one base to catch them all."""

from chatkit.errors import CustomStreamError
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
    """DynamoDB, S3 or KMS did not carry out a request, after its retries; a write was done once or not at all."""


class ItemTooLarge(ChatKitAwsError):
    """A thread, item, attachment or record is too large to be stored; nothing was. `size` and `limit` are in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        """Refuse an item of `size` bytes."""
        super().__init__(f"the item has {size:,} bytes and may have {limit:,}")
        self.size = size
        self.limit = limit


class ImageRefused(ChatKitAwsError, ValueError):
    """What a model sent as an image is none that is shown; the message says why, and holds nothing of it."""


class UnknownCursor(ChatKitAwsError, NotFoundError):
    """The element that a page is to follow does not exist in that list."""


class StoreRefused(ChatKitAwsError):
    """A request was refused for good: no permission, no such table, no use of a key. Trying again is no help."""


class Damaged(StoreRefused):
    """Sealed bytes were changed, or are in another place than they were sealed for; no key opens them."""

    def __init__(self) -> None:
        """Refuse them."""
        super().__init__("sealed bytes are damaged, or were sealed for another place")


class Held(ChatKitAwsError):
    """The user is under legal hold: nothing of theirs is deleted or erased until it is lifted."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("legal hold: nothing may be deleted")


class AlreadyAnswered(ChatKitAwsError, CustomStreamError):
    """An input was answered before, and differently; the first answer stays. Within a stream the user is told."""

    def __init__(self) -> None:
        """Refuse a second answer."""
        super().__init__("This was already answered.", allow_retry=False)


class LeaseLost(ChatKitAwsError, CustomStreamError):
    """Another run answers in the thread by now, so this one may not write there any more."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("This answer was interrupted by another one.", allow_retry=False)


class UnknownFormat(ChatKitAwsError):
    """A row was written in a format of a later version; `version` is that row's."""

    def __init__(self, version: int) -> None:
        """Refuse a row of `version`."""
        super().__init__(f"a row has the format {version}, which this version cannot read")
        self.version = version


class InvalidItem(ChatKitAwsError, ValueError):
    """A thread, item or attachment holds what JSON in UTF-8 cannot: half of a surrogate pair, for one.

    A record may also hold what its model does not accept.
    """


class InvalidId(ChatKitAwsError, ValueError):
    """A tenant, user or other id cannot be part of a key: it is empty, too long, or no Unicode text."""


class InvalidOrder(ChatKitAwsError, ValueError):
    """A page was asked for in an order other than `asc` and `desc`."""


class ThreadNotFound(ChatKitAwsError, NotFoundError, CustomStreamError):
    """The caller has no such thread; whether anybody else has is not told.

    Within a stream it was deleted meanwhile: the user is told, and that trying again is no help.
    """

    def __init__(self, thread_id: str) -> None:
        """Name the thread that was asked for."""
        super().__init__("This conversation is no longer there.", allow_retry=False)
        self.thread_id = thread_id

    def __str__(self) -> str:
        return f"Thread {self.thread_id} not found"


class ItemNotFound(ChatKitAwsError, NotFoundError):
    """The thread has no such item, or the caller no such thread."""

    def __init__(self, thread_id: str, item_id: str) -> None:
        """Name the item that was asked for."""
        super().__init__(f"Item {item_id} not found in thread {thread_id}")


class AttachmentNotFound(ChatKitAwsError, NotFoundError):
    """The caller has no such attachment."""

    def __init__(self, attachment_id: str) -> None:
        """Name the attachment that was asked for."""
        super().__init__(f"Attachment {attachment_id} not found")


class RecordNotFound(ChatKitAwsError, NotFoundError):
    """The caller has no such record."""

    def __init__(self, record_id: str) -> None:
        """Name the record that was asked for."""
        super().__init__(f"Record {record_id} not found")


class RecordsFull(ChatKitAwsError):
    """The user has as many records of this name as they may have; nothing was added. `most` is how many."""

    def __init__(self, most: int) -> None:
        """Refuse another one."""
        super().__init__(f"there are {most:,} records, and no more may be added")
        self.most = most
