"""Whom and what the suite asks for."""

from typing import Any

from chatkit.store import Store

from chat_testing.builders import context
from chatkit_aws.context import RequestContext

OWNER = context("owner")
OTHERS = [context(name) for name in ("other", "Owner", "owner#", "owne")] + [context("owner", tenant_id="tenant-2")]
ODD_IDS = ["a#b", "a%23b", "%", "#", "THR#x", "é", "雪", "a b", "\x00", "../x", "x" * 512, "'; --", "\u202e"]
IMPOSSIBLE_IDS = ["", "x" * 2000, "雪" * 700, "\ud800"]


async def item_ids(store: Store[RequestContext], order: str = "asc", thread_id: str = "thr_1") -> list[str]:
    """The ids of a thread's items, one page of at most 100."""
    page = await store.load_thread_items(thread_id, None, 100, order, OWNER)
    return [item.id for item in page.data]


async def all_pages(load: Any, limit: int) -> list[str]:
    """The ids of every element, page by page; `load` takes `after` and `limit`."""
    found: list[str] = []
    cursor = None
    while True:
        page = await load(after=cursor, limit=limit)
        found += [element.id for element in page.data]
        assert len(page.data) <= limit
        assert page.after == (found[-1] if page.has_more else None)
        if not page.has_more:
            return found
        cursor = page.after
