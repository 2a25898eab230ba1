"""What there is in one table: each kind of rows with what it takes to read and write them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatkit_aws.store.attachments import Attachments
from chatkit_aws.store.feedback import Feedbacks
from chatkit_aws.store.guard import Guard
from chatkit_aws.store.items import Items
from chatkit_aws.store.overflow import Overflow
from chatkit_aws.store.threads import Threads

if TYPE_CHECKING:
    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.lease import Taking
    from chatkit_aws.store.objects import Objects
    from chatkit_aws.store.retention import Retention
    from chatkit_aws.store.table import Table


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds of rows in a table; those that are written together share a transaction."""

    table: Table
    bodies: Bodies
    objects: Objects | None
    retention: Retention

    def under(self, lease: Taking) -> Kinds:
        """The same, written only while the lease is the thread's."""
        return replace(self, table=self.table.under(lease))

    @property
    def threads(self) -> Threads:
        """Threads."""
        return Threads(self.table, self.bodies, self.retention)

    @property
    def items(self) -> Items:
        """Items of threads."""
        return Items(self.table, self.bodies, Overflow(self.table, self.objects), self._guard)

    @property
    def attachments(self) -> Attachments:
        """Attachments."""
        return Attachments(self.table, self.bodies, self._guard)

    @property
    def feedback(self) -> Feedbacks:
        """What users think of items."""
        return Feedbacks(self.table, self.bodies, self._guard)

    @property
    def _guard(self) -> Guard:
        return Guard(self.table, self.retention)
