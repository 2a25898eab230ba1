"""The rows of a user's, page by page, as the user could see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chatkit_aws.rights.storage import Storage
    from chatkit_aws.store.rows import Row
    from chatkit_aws.store.table import Span

PAGE = 100
"""Rows asked for at once."""


async def pages(storage: Storage, span: Span) -> AsyncIterator[list[Row]]:
    """Rows in order, without those that have expired."""
    rows = await storage.table.query(span, PAGE, forward=True)
    while rows:
        yield rows
        more = len(rows) == PAGE
        rows = await storage.table.query(span, PAGE, forward=True, start=rows[-1]) if more else []
