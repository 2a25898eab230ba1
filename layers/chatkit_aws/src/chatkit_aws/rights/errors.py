"""Why nothing, or nothing more, was done for a user's rights."""

from chatkit_aws.errors import ChatKitAwsError


class Refused(ChatKitAwsError):
    """What was asked for must not be done; asking again is no help until something else has changed."""


class ArchiveExists(Refused):
    """There is a file already where the archive was to be written."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("the file exists already")


class InvalidArchive(Refused):
    """The file is no archive that can be imported; nothing was written. The message holds none of its content."""


class UnknownArchiveVersion(InvalidArchive):
    """The archive was made by a later version, or is another kind of file."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("the archive has a format that this version cannot read")


class AlreadyThere(Refused):
    """The user has threads, attachments or records with the ids of those in the archive; nothing was written."""

    def __init__(self, count: int) -> None:
        """Say how many."""
        what = "threads, attachments or records"
        super().__init__(f"{count:,} {what} of the archive are there already, or were until yesterday")
        self.count = count


class BucketNeeded(Refused):
    """The data has files, and no bucket was named."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("there are files, so the bucket must be named")


class HoldLifted(Refused):
    """The legal hold was lifted while it was being placed: it does not count."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("the hold was lifted meanwhile; lift it to the end, or place it again")


class ErasureRunning(Refused):
    """The user is being erased: no hold is placed, and no second erasure begun, until that has ended."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__(
            "an erasure of this user is under way, or was cut off less than five minutes ago; wait until it has ended"
        )


class ErasureCutOff(ChatKitAwsError):
    """An erasure stopped itself, since nobody could tell any more that it runs; the same again goes on."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the erasure could not be kept on record as running, so it stopped")


class NotRecorded(ChatKitAwsError):
    """What was asked for was done, and that it ended could not be recorded; that it began is on record."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("it was done, and its end could not be recorded")


class HoldPlaced(Refused):
    """A legal hold was placed while the one before it was being lifted: it counts, and nothing more is lifted."""

    def __init__(self) -> None:
        """Refuse."""
        super().__init__("a legal hold was placed meanwhile, which stays")
