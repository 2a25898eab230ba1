"""Pages of a list on DynamoDB are the pages of a plain sorted list, for any times, ids, limits and cursors."""

from datetime import datetime, timedelta

from chatkit.types import Page, ThreadItem
from hypothesis import given, settings
from hypothesis import strategies as st
from types_boto3_dynamodb.client import DynamoDBClient
from ulid import ULID

from chat_testing.builders import START, context, thread, user_message
from chatkit_aws.store import DynamoDBStore

OWNER = context()

# Few different times, so that many are the same; ids in which the order of text is that of code points.
moments = st.integers(0, 3).map(lambda tick: START + timedelta(microseconds=tick))
names = st.text(alphabet="aBz09_-é雪", min_size=1, max_size=3)
elements = st.dictionaries(names, moments, max_size=12)
limits = st.integers(1, 13)
orders = st.sampled_from(["asc", "desc"])
Elements = dict[str, datetime]


def sorted_ids(created: Elements, order: str) -> list[str]:
    return sorted(created, key=lambda name: (created[name], name), reverse=order == "desc")


def expected_page(ids: list[str], cursor: str | None, limit: int) -> tuple[list[str], bool, str | None]:
    rest = ids if cursor is None else ids[ids.index(cursor) + 1 :]
    has_more = len(rest) > limit
    return rest[:limit], has_more, rest[limit - 1] if has_more else None


def seen(page: Page[ThreadItem]) -> tuple[list[str], bool, str | None]:
    return [element.id for element in page.data], page.has_more, page.after


@given(created=elements, limit=limits, order=orders)
@settings(max_examples=25)
async def test_pages_of_items_are_those_of_a_sorted_list(
    dynamodb: DynamoDBClient, table_name: str, created: Elements, limit: int, order: str
) -> None:
    store, thread_id = DynamoDBStore(table_name, dynamodb), str(ULID())
    await store.save_thread(thread(thread_id), OWNER)
    for name, moment in created.items():
        await store.add_thread_item(thread_id, user_message(id=name, created_at=moment), OWNER)
    ids = sorted_ids(created, order)
    for cursor in [None, *ids]:
        page = await store.load_thread_items(thread_id, cursor, limit, order, OWNER)
        assert seen(page) == expected_page(ids, cursor, limit)


@given(created=elements, limit=limits, order=orders)
@settings(max_examples=25)
async def test_pages_of_threads_are_those_of_a_sorted_list(
    dynamodb: DynamoDBClient, table_name: str, created: Elements, limit: int, order: str
) -> None:
    store, owner = DynamoDBStore(table_name, dynamodb), context(str(ULID()))
    for name, moment in created.items():
        await store.save_thread(thread(name, created_at=moment), owner)
    ids = sorted_ids(created, order)
    for cursor in [None, *ids]:
        page = await store.load_threads(limit, cursor, order, owner)
        assert ([one.id for one in page.data], page.has_more, page.after) == expected_page(ids, cursor, limit)
