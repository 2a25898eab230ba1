"""One page of a list: after which element, how many, in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit.types import Page

from chatkit_aws.errors import InvalidOrder
from chatkit_aws.store.keys import id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkit_aws.store.rows import Row

MAX_LIMIT = 100
"""The most elements of a page; clients ask for as many as they like."""
MAX_BYTES = 20_000_000
"""The most JSON of a page, so that a hundred items of 5 MB each do not fill a function's memory."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The `limit` elements that follow the element `after`, or the first ones; `forward` is oldest first."""

    after: str | None
    limit: int
    forward: bool

    @classmethod
    def of(cls, after: str | None, limit: int, order: str) -> PageRequest:
        """Check what a client sent: `limit` is brought into 1 to 100, another `order` raises InvalidOrder."""
        if order not in {"asc", "desc"}:
            message = f"a page's order is asc or desc, not {order!r}"
            raise InvalidOrder(message)
        return cls(after, min(max(limit, 1), MAX_LIMIT), order == "asc")

    @property
    def look_ahead(self) -> int:
        """How many elements to read: one more than the page has tells whether more follow."""
        return self.limit + 1

    def shown(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Those of the `look_ahead` rows that the page has: as many as asked for, or as fit; one at least."""
        total, count = 0, 0
        for row in rows[: self.limit]:
            total += row.size or 0
            if count and total > MAX_BYTES:
                break
            count += 1
        return rows[:count]


def page_of[T](read: Sequence[Row], shown: Sequence[Row], elements: Sequence[T]) -> Page[T]:
    """The page of `elements`, which were in the rows `shown` of those that were read.

    `after` is set only where more follow.
    """
    has_more = len(read) > len(shown)
    after = id_of(shown[-1].key.sk) if has_more else None
    return Page(data=list(elements), has_more=has_more, after=after)
