"""What a run has said and is still to be written to its log."""

import logging

from chatkit_aws.errors import ChatKitAwsError, LeaseLost
from chatkit_aws.runs import EventLog
from chatkit_aws.store.lease import Lease

logger = logging.getLogger(__name__)


class Transcript:
    """One run's. Only one may write at a time: batches are numbered in the order in which they are written."""

    def __init__(self, log: EventLog | None) -> None:
        """Write to `log`; without one, nothing is kept."""
        self._log = log
        self._said = bytearray()
        self._batch = 0

    def add(self, event: bytes) -> None:
        """Take down an event."""
        if self._log is not None:
            self._said += event

    async def write(self, lease: Lease) -> None:
        """Write what was taken down since the last time. A log with a gap would be worse than one that ends.

        Raises LeaseLost; anything else that fails ends the log alone.
        """
        if self._log is None or not self._said:
            return
        said, self._said = bytes(self._said), bytearray()
        try:
            self._batch = await self._log.append(lease, self._batch, said)
        except ChatKitAwsError as error:
            self._log = None
            if isinstance(error, LeaseLost):
                raise
            logger.warning("a run's events are not kept any more: %s", type(error).__name__)
