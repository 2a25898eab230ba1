"""What users think of items: a row each beside the items, the last word counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatkit_aws.errors import ItemNotFound
from chatkit_aws.store import codec, keys
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.codec import Feedback
from chatkit_aws.store.rows import Row
from chatkit_aws.store.table import ConditionFailed, Span
from chatkit_aws.store.writes import LIVE

if TYPE_CHECKING:
    from typing import Literal

    from chatkit_aws.store.bodies import Bodies
    from chatkit_aws.store.guard import Guard, Parts
    from chatkit_aws.store.keys import ThreadKeys
    from chatkit_aws.store.table import Table


@dataclass(frozen=True, slots=True)
class Feedbacks:
    """Reads and writes the rows of feedback."""

    table: Table
    bodies: Bodies
    guard: Guard

    async def save(self, thread: ThreadKeys, item_id: str, kind: Literal["positive", "negative"]) -> None:
        """Write what the user thinks of an item now. Raises ItemNotFound, ThreadNotFound."""
        feedback = Feedback(kind, datetime.fromtimestamp(self.table.writes.now, UTC))
        await self.put(thread, item_id, feedback)

    async def put(self, thread: ThreadKeys, item_id: str, feedback: Feedback) -> None:
        """Write feedback as it is. Raises ItemNotFound, ThreadNotFound."""
        key = thread.feedback(item_id)
        body = await self.bodies.close(codec.dump_feedback(feedback), _scope(thread), key)

        def below(expires_at: int | None) -> Parts:
            writes = self.table.writes
            return writes.check(thread.place(item_id), LIVE), writes.put(Row(key, body=body, expires_at=expires_at))

        try:
            await self.guard.write(thread, below)
        except ConditionFailed:
            raise ItemNotFound(thread.thread_id, item_id) from None

    async def load(self, thread: ThreadKeys) -> dict[str, Feedback]:
        """All feedback in a thread, by the item's id."""
        found: dict[str, Feedback] = {}
        for row in await self.table.all(Span(thread.partition, keys.FEEDBACK)):
            text = await self.bodies.open(row.body or b"", _scope(thread), row.key)
            found[keys.id_of(row.key.sk)] = codec.load_feedback(text)
        return found


def _scope(thread: ThreadKeys) -> Scope:
    return Scope(thread.owner.tenant_id, thread.thread_id)
