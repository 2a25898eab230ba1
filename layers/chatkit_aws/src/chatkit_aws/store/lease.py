"""The right to write in a thread while a run answers in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.writes import Writes


@dataclass(frozen=True, slots=True)
class Lease:
    """One run's lease of a thread. Each has a generation of its own, and only the latest one may write.

    A context with such a `lease` has every write below the thread require it in the same transaction, so a run that
    was taken for dead, and goes on, changes nothing any more.
    """

    thread: ThreadKeys
    run_id: str
    generation: int

    def required(self, writes: Writes) -> TransactWriteItemTypeDef:
        """The part of a transaction that fails unless this lease is the thread's."""
        return writes.check(self.thread.run, "generation = :generation", {":generation": {"N": str(self.generation)}})
