"""Pages of what a user may see: hidden items take no place in them."""

from chatkit.server import DEFAULT_PAGE_SIZE
from chatkit.types import ItemsListParams, Page, ThreadItem

from chat_api.server.events.delivery import is_hidden
from chatkit_aws.context import RequestContext
from chatkit_aws.store import DynamoDBStore

MAX_LIMIT = 99
"""The most items of a page: the store reads a hundred at once, and the next one tells whether more follow."""


async def visible_items(store: DynamoDBStore, asked: ItemsListParams, context: RequestContext) -> Page[ThreadItem]:
    """As many items as were asked for; fewer only at the end, or where they are very large. Raises as the store does.

    The SDK takes the hidden ones out of a page that was read, which leaves pages short, or empty with more to follow.
    """
    limit = min(max(asked.limit or DEFAULT_PAGE_SIZE, 1), MAX_LIMIT)
    found: list[ThreadItem] = []
    after = asked.after
    while True:
        wanted = limit + 1 - len(found)
        page = await store.load_thread_items(asked.thread_id, after, wanted, asked.order, context)
        found += [item for item in page.data if not is_hidden(item)]
        is_cut_short = len(page.data) < wanted and bool(found)  # by the store: very large, or unreadable
        if not page.has_more or len(found) > limit or is_cut_short:
            break
        after = page.after
    has_more = page.has_more or len(found) > limit
    shown = found[:limit]
    return Page(data=shown, has_more=has_more, after=shown[-1].id if has_more else None)
